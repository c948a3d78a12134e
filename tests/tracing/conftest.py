"""A trace store on a real file, filled through the real processor and the SDK's own spans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agents.tracing import TracingProcessor
from agents.tracing.setup import set_trace_provider

from storage.traces.store import TraceStore
from triage.scope import _SCOPE, RunScope
from triage.tracing import RunTraceProvider, install
from triage.tracing.processor import ContentMode, SpoolingProcessor


class Tracing:
    """A store with the processor that fills it; ``reopen`` is what a restart does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool_dir = folder / "spool"
        self.content: ContentMode = "full"
        self.segment_bytes = 1_000_000
        self.open()

    def open(self) -> None:
        self.store = TraceStore.open(self.folder / "traces.duckdb")
        self.processor = SpoolingProcessor(
            self.spool_dir, sink=self.store, content=self.content, interval_s=60, segment_bytes=self.segment_bytes
        )
        install(self.processor)

    def close(self) -> None:
        self.processor.shutdown()
        self.store.close()

    def reopen(self, *, content: ContentMode = "full") -> None:
        self.close()
        self.content = content
        self.open()

    def spans(self) -> list[dict]:
        """Every span in the store, in the order of their ends, after all of them have arrived."""
        assert self.processor.flush()
        return self.store.records("select * from span_rows order by ended_at, span_id")

    def span(self, **wanted: object) -> dict:
        """The one span with these values."""
        found = [row for row in self.spans() if all(row[name] == value for name, value in wanted.items())]
        assert len(found) == 1, f"{len(found)} spans with {wanted}"
        return found[0]


@pytest.fixture
def tracing(tmp_path: Path) -> Iterator[Tracing]:
    tracing = Tracing(tmp_path)
    yield tracing
    tracing.close()
    set_trace_provider(RunTraceProvider())


@pytest.fixture
def scope() -> Iterator[RunScope]:
    """The scope of run_1, in force for the test."""
    scope = RunScope(run_id="run_1")
    token = _SCOPE.set(scope)
    yield scope
    _SCOPE.reset(token)


class Recorder(TracingProcessor):
    """Keeps finished spans."""

    def __init__(self) -> None:
        self.spans: list = []

    def on_trace_start(self, trace: object) -> None: ...

    def on_trace_end(self, trace: object) -> None: ...

    def on_span_start(self, span: object) -> None: ...

    def on_span_end(self, span: object) -> None:
        self.spans.append(span)

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    install(recorder)
    yield recorder
    set_trace_provider(RunTraceProvider())
