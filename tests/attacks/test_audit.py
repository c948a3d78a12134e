"""``make audit`` against a database of known holes on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]


class Database:
    """Answers as OSV does; ``known`` are the holes by package and version, ``answer`` is sent instead where given."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.known: dict[tuple[str, str], list[str]] = {}
        self.answer: bytes | None = None
        database = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
                database.asked += asked
                found = [database.known.get((one["package"]["name"], one["version"]), []) for one in asked]
                told = {"results": [{"vulns": [{"id": each} for each in ids]} if ids else {} for ids in found]}
                body = database.answer if database.answer is not None else json.dumps(told).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/querybatch"


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def audit(url: str, *files: Path, accepted: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / ".ci" / "audit"), *map(str, files)]
    environment = {**os.environ, "OSV_URL": url, "ACCEPTED_HOLES": str(accepted or os.devnull), "no_proxy": "127.0.0.1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_every_pin_is_asked_about(database: Database) -> None:
    done = audit(database.url)
    assert (done.returncode, done.stderr) == (0, "")
    asked = {(one["package"]["name"], one["version"]) for one in database.asked}
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    assert asked == {tuple(line.split("==")) for line in lines if "==" in line and not line.startswith("#")}


def test_a_known_hole_is_named(database: Database, tmp_path: Path) -> None:
    database.known = {("flask", "0.5"): ["PYSEC-2019-179", "GHSA-562c-5r94-xh97"]}
    pins = tmp_path / "pins.txt"
    pins.write_text("# flask==0.1\nflask==0.5  # old\nstreamlit[auth]==1.67.0 ; python_version > '3'\n")
    done = audit(database.url, pins)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "flask 0.5: PYSEC-2019-179, GHSA-562c-5r94-xh97",
        "2 packages asked about, 1 with known holes.",
    ]


def test_a_hole_is_accepted_by_name_and_with_a_reason(database: Database, tmp_path: Path) -> None:
    database.known = {("flask", "0.5"): ["PYSEC-1", "PYSEC-2"], ("six", "1.0"): ["PYSEC-3"]}
    pins, accepted = tmp_path / "pins.txt", tmp_path / "accepted"
    pins.write_text("flask==0.5\nsix==1.0\n")
    accepted.write_text("# PYSEC-2 is a remark\n\nPYSEC-1 only on Windows\nPYSEC-3\n")
    done = audit(database.url, pins, accepted=accepted)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == ["flask 0.5: PYSEC-2", "six 1.0: PYSEC-3"], "PYSEC-3 has no reason."


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"results": []}', b'{"results": null}'])
def test_a_database_that_does_not_answer_is_no_good_news(database: Database, answer: bytes) -> None:
    database.answer = answer
    done = audit(database.url)
    assert done.returncode == 2
    assert "Nothing was checked" in done.stderr


def test_without_a_network_nothing_is_called_checked() -> None:
    done = audit("http://127.0.0.1:9/")
    assert done.returncode == 2
    assert "Nothing was checked" in done.stderr
