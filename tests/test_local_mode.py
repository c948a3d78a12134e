"""Local mode: who reaches the console, whatever server it runs in."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.processes import RunningModule
from triage.local_mode import REFUSAL, LoopbackOnly

PROJECT = Path(__file__).parents[1]
START_S = 60.0
# A process of its own: the tests' own process is kept from every address but loopback. Nothing is sent to 192.0.2.1,
# it only lets the system say from which address it would.
ASK_OTHER_ADDRESS = """
import json, socket, sys, urllib.error, urllib.request
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    try:
        probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
    except OSError:
        address = "127.0.0.1"
if address.startswith("127."):
    print("null")
    sys.exit()
answers = []
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for path in ("/", "/api/health", "/_stcore/health"):
    try:
        with direct.open(f"http://{address}:{sys.argv[1]}{path}", timeout=10) as answer:
            answers.append([path, answer.status, answer.read().decode()])
    except urllib.error.HTTPError as refused:
        answers.append([path, refused.code, refused.read().decode()])
print(json.dumps(answers))
"""


def answer_to(kind: str, server: tuple[str | None, int | None] | None) -> list[dict[str, Any]]:
    """Return what a connection that arrived at ``server`` is sent."""
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "passed"})

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        raise AssertionError("A refusal does not read what was sent.")

    asyncio.run(LoopbackOnly(inner)({"type": kind, "server": server}, receive, send))
    return sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_what_arrives_on_loopback_goes_on(kind: str, address: str) -> None:
    assert answer_to(kind, (address, 8501)) == [{"type": "passed"}]


@pytest.mark.parametrize(
    "server", [("10.0.0.7", 8501), ("fe80::1", 8501), ("::ffff:10.0.0.7", 8501), ("/run/desk.sock", None), None]
)
def test_what_arrives_elsewhere_is_refused(server: tuple[str, int | None] | None) -> None:
    start, body = answer_to("http", server)
    assert start["status"] == 403
    assert body["body"].decode() == REFUSAL
    (closed,) = answer_to("websocket", server)
    assert closed["type"] == "websocket.close"


def test_the_start_and_the_stop_of_the_server_go_on() -> None:
    assert answer_to("lifespan", None) == [{"type": "passed"}]


def test_a_console_that_listens_everywhere_answers_on_loopback_only(child_environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = RunningModule("uvicorn", "app:app", "--host=0.0.0.0", f"--port={port}", environment=child_environment)
    try:
        _wait_until_it_answers(server, f"http://127.0.0.1:{port}/api/health")
        said = subprocess.run(
            [sys.executable, "-c", ASK_OTHER_ADDRESS, str(port)], capture_output=True, check=True, text=True
        )
    finally:
        server.close()
    answers = json.loads(said.stdout)
    if answers is None:
        pytest.skip("This machine has no other address than loopback.")
    assert answers == [[path, 403, REFUSAL] for path in ("/", "/api/health", "/_stcore/health")]


def _wait_until_it_answers(server: RunningModule, url: str) -> None:
    deadline = time.monotonic() + START_S
    while server.returncode is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"The console did not start:\n{server.output()}")
