"""An OpenTelemetry collector on this machine: takes OTLP over HTTP, decodes it and keeps the spans.

In a test: ``with CollectorServer() as collector: collector.answers.append(503); ... collector.spans, collector.url``.
"""

from __future__ import annotations

import gzip
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

WAIT_S = 20.0


class CollectorServer:
    """Answers 200, or first with the status codes in ``answers``; ``refuses`` says no to single spans by their name.

    ``reached`` is set by a request that came; its answer waits while ``go_on`` is cleared. ``rejects`` is how many
    spans the next taken request leaves out.
    """

    def __init__(self) -> None:
        self.answers: deque[int] = deque()
        self.refuses: set[str] = set()
        self.rejects = 0
        self.retry_after: str | None = None
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.tries = 0
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.changed = threading.Condition()
        handler = type("Handler", (_Handler,), {"collector": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The address for ``TRIAGE_OTLP_ENDPOINT``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def spans(self) -> list[Span]:
        """Every span that was taken, in the order of arrival."""
        with self.changed:
            found = list(self.requests)
        return [
            span
            for request in found
            for whole in request.resource_spans
            for one in whole.scope_spans
            for span in one.spans
        ]

    def named(self, name: str) -> Span:
        """The one span of that name."""
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, f"{len(found)} spans named {name} among {[span.name for span in self.spans]}"
        return found[0]

    def json_lines(self) -> str:
        """The requests as lines of OTLP JSON, as the file exporter of the OpenTelemetry collector writes them."""
        return "".join(MessageToJson(request, indent=None) + "\n" for request in self.requests)

    def wait_for_tries(self, count: int) -> None:
        """Return when it was asked that often."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.tries >= count, WAIT_S), f"{self.tries} tries"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()


def attributes(span: Span) -> dict[str, Any]:
    """The attributes of a span as plain values."""
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


class _Handler(BaseHTTPRequestHandler):
    collector: CollectorServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        collector = self.collector
        collector.reached.set()
        collector.go_on.wait(WAIT_S)
        with collector.changed:
            collector.tries += 1
            status = collector.answers.popleft() if collector.answers else 200
            collector.paths.append(self.path)
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
            names = {span.name for span in request.resource_spans[0].scope_spans[0].spans}
            if status == 200 and names & collector.refuses:
                status = 400
            answer = ExportTraceServiceResponse()
            if status == 200:
                collector.requests.append(request)
                answer.partial_success.rejected_spans, collector.rejects = collector.rejects, 0
            collector.changed.notify_all()
        written = answer.SerializeToString() if status == 200 else b"no"
        self.send_response(status)
        if collector.retry_after is not None and status != 200:
            self.send_header("retry-after", collector.retry_after)
        self.send_header("content-length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""
