"""A receiver that really listens, and what the tests of notices share."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from storage.records import Records
from triage.domain import Actor, Delivery, Role, Webhook
from triage.notices.sender import NoticeSender

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
KIM = Actor(name="Kim", role=Role.ADMIN)
KEY = b"the key of the tests"
LOCAL = "127.0.0.1"


class Received(NamedTuple):
    """A request as it came over the wire."""

    path: str
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """A web server on this machine that answers as it is told, once each, then 200; and keeps what it got.

    An answer is a status, a status with headers, or "hang": no answer until the test ends.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int | str | tuple[int, dict[str, str]]] = []
        self.on_request: Callable[[], None] | None = None
        self.ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append(Received(self.path, self.headers, body))
                if receiver.on_request is not None:
                    receiver.on_request()
                answer = receiver.answers.pop(0) if receiver.answers else 200
                if answer == "hang":
                    receiver.ended.wait()
                    return
                status, headers = answer if isinstance(answer, tuple) else (int(answer), {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        self._server = ThreadingHTTPServer((LOCAL, 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://{LOCAL}:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def wait_for(self, number: int) -> list[Received]:
        """Wait until so many requests came."""
        deadline = time.monotonic() + 20
        while len(self.received) < number:
            assert time.monotonic() < deadline, f"{len(self.received)} of {number} requests came"
            time.sleep(0.01)
        return self.received

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def make_sender(records: Records, **given: Any) -> NoticeSender:
    usual = {"console_url": "https://desk.example.com", "allow": [LOCAL], "jitter": lambda: 0.5, "timeout_s": 5.0}
    return NoticeSender(records=records, **{**usual, **given})


def deliveries(records: Records, webhook: Webhook) -> list[Delivery]:
    with records.read() as tx:
        return tx.deliveries.list(webhook.id)
