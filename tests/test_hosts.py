"""Under which names the console answers, pages, WebSockets and the API alike."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from triage.api.problems import problem
from triage.hosts import REFUSAL, KnownHosts, allowed_hosts, is_answered
from triage.settings import load_settings


def answer_to(kind: str, path: str, *hosts: str) -> list[dict[str, Any]]:
    """Return what a connection with these Host headers is sent."""
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "passed"})

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        raise AssertionError("A refusal does not read what was sent.")

    app = KnownHosts(inner, allowed=lambda: {"triage.example"}, refuse_api=lambda: problem("wrong_host", REFUSAL))
    headers = [(b"host", host.encode()) for host in hosts]
    asyncio.run(app({"type": kind, "path": path, "method": "GET", "headers": headers}, receive, send))
    return sent


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "[::1]:8501", "TRIAGE.example:443"])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_own_names_are_answered(kind: str, host: str) -> None:
    assert answer_to(kind, "/", host) == [{"type": "passed"}]


@pytest.mark.parametrize(
    "hosts",
    [("evil.example",), (), ("localhost", "evil.example"), ("localhost.evil.example",), ("x@localhost",), ("[",)],
)
def test_other_names_are_not(hosts: tuple[str, ...]) -> None:
    page, api = answer_to("http", "/desk", *hosts), answer_to("http", "/api/runs", *hosts)
    assert page[0]["status"] == api[0]["status"] == 421
    assert page[1]["body"].decode() == REFUSAL
    assert dict(api[0]["headers"])[b"content-type"] == b"application/problem+json"
    assert answer_to("websocket", "/_stcore/stream", *hosts)[0]["type"] == "websocket.close"


def test_the_names_come_from_the_settings() -> None:
    settings = load_settings(console_url="https://Desk.example.com/triage", allowed_hosts="triage.internal, 10.0.0.7")
    allowed = allowed_hosts(settings)
    for host in ("desk.example.com", "triage.internal:8501", "10.0.0.7"):
        assert is_answered(host, allowed=allowed)
    assert not is_answered("10.0.0.8", allowed=allowed)
