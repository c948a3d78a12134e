"""What the traces page downloads comes in elsewhere as it was here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pages.components.trace_reading import trace_json
from storage.traces.queries import TraceQueries
from storage.traces.store import TraceStore
from triage.domain import Actor, Run
from triage.services import Services
from triage.tracing.incoming.files import import_traces
from triage.tracing.processor import SpoolingProcessor


def test_a_downloaded_trace_is_the_same_in_another_console(
    running: Services, settle: Callable[[Run], Run], operator: Actor, tmp_path: Path
) -> None:
    run = settle(running.runs.submit("Where is my invoice?", actor=operator, customer_email="ann@example.com"))
    file = tmp_path / "trace.json"
    file.write_bytes(trace_json(run.trace_id))
    store = TraceStore.open(tmp_path / "other" / "traces.duckdb")
    processor = SpoolingProcessor(tmp_path / "other" / "spool", sink=store)
    try:
        for _ in range(2):
            report = import_traces(file, spool_dir=tmp_path / "other" / "spool", content="full")
            assert report.errors == []
            assert processor.flush()
        there, here = TraceQueries(store), running.trace_queries
        assert here is not None
        assert there.spans(run.trace_id) == here.spans(run.trace_id)
        assert there.find_summary(run.trace_id) == here.find_summary(run.trace_id)
    finally:
        processor.shutdown()
        store.close()
