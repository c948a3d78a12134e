"""The console with a collector beside it: settings, a whole run, what ``doctor`` says, and a kill in between."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from agents.tracing.setup import set_trace_provider

from tests.servers.collector import CollectorServer, attributes
from triage.cli.doctor import _export
from triage.domain import Actor, RunStatus
from triage.errors import SettingsError
from triage.services import open_services
from triage.settings import Settings, load_settings
from triage.tracing import RunTraceProvider
from triage.tracing.otlp.ids import root_id_of, span_id_of
from triage.tracing.otlp.outbox import Outbox
from triage.tracing.otlp.status import ExportStatus, write_status
from triage.tracing.spool import list_segments

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("https://otel.example.com/", "https://otel.example.com/v1/traces"),
        ("https://otel.example.com/api/v1/traces", "https://otel.example.com/api/v1/traces"),
        ("", None),
    ],
)
def test_the_address_gets_the_path_of_the_protocol(
    monkeypatch: pytest.MonkeyPatch, written: str, url: str | None
) -> None:
    monkeypatch.setenv("TRIAGE_OTLP_ENDPOINT", written)
    assert load_settings().otlp_url == url


@pytest.mark.parametrize(
    "written", ["localhost:4318", "ftp://x", "file:///etc/passwd", "http://user:s3cret@x", "http://"]
)
def test_any_other_address_is_refused_without_being_told(written: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(otlp_endpoint=written)
    assert "TRIAGE_OTLP_HEADERS" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_headers_are_pairs_and_a_secret() -> None:
    settings = load_settings(otlp_headers="api-key=k1, authorization=Bearer%20x%2Cy=")
    assert settings.otlp_header_values == {"api-key": "k1", "authorization": "Bearer x,y="}
    assert "k1" not in repr(settings)


@pytest.mark.parametrize("written", ["k1", "a=b,", "a b=c", "a=b\r\nx: y", "=k1"])
def test_wrong_headers_are_refused_without_being_told(written: str) -> None:
    with pytest.raises(SettingsError, match="name=value") as refused:
        load_settings(otlp_headers=written)
    assert "k1" not in str(refused.value)


@pytest.mark.usefixtures("unpaced")
def test_a_run_arrives_whole(settings: Settings, operator: Actor) -> None:
    with CollectorServer() as collector:
        services = open_services(settings.model_copy(update={"otlp_endpoint": collector.url}), kind="test")
        try:
            run = services.runs.submit("Where is my invoice?", actor=operator, customer_email="ann@example.com")
            deadline = time.monotonic() + 20
            while not (run := services.runs.get(run.id)).status.is_final and time.monotonic() < deadline:
                time.sleep(0.02)
            services.settle_traces()
            assert services.exporter is not None
            assert services.exporter.flush(timeout_s=20)
            assert services.traces is not None
            kept = {row["span_id"]: row for row in services.traces.records("select * from spans")}
        finally:
            services.close()
            set_trace_provider(RunTraceProvider())

        assert run.status is RunStatus.COMPLETED
        root = collector.named("invoke_workflow Support triage")
        spans = {attributes(span)["triage.span_id"]: span for span in collector.spans if span is not root}
        spans.pop(attributes(root).get("triage.span_id"), None)
        found = attributes(root)
        assert (found["input.value"], found["output.value"]) == (run.message, run.reply)
        assert (found["triage.run_id"], found["triage.status"]) == (run.id, "completed")
        assert found["session.id"] == run.conversation_id
        assert spans.keys() == kept.keys()
        for span_id, row in kept.items():
            above = span_id_of(row["parent_id"]) if row["parent_id"] else root_id_of(row["trace_id"])
            assert spans[span_id].parent_span_id == above
            assert attributes(spans[span_id]).get("gen_ai.usage.input_tokens") == row["input_tokens"]


def test_without_a_collector_nothing_lies_about_for_one(settings: Settings) -> None:
    outbox = Outbox(settings.otlp_dir)
    outbox.put(b"{}\n")
    outbox.close()
    services = open_services(settings, kind="test")
    services.close()
    set_trace_provider(RunTraceProvider())
    assert list_segments(settings.otlp_dir) == []


def test_doctor_says_how_the_export_is_doing(settings: Settings) -> None:
    assert _export(settings) == "No collector is named; spans stay on this machine."
    named = settings.model_copy(update={"otlp_endpoint": "http://localhost:4318"})
    write_status(settings.otlp_dir, ExportStatus(sent=3, dropped=2))
    assert _export(named).startswith("3 spans sent, 2 given up")
    write_status(
        settings.otlp_dir,
        ExportStatus(problem="It answered 401.", failing_since="2026-03-04T05:06:07Z"),  # type: ignore[arg-type]
    )
    with pytest.raises(SettingsError, match=r"since 2026-03-04 05:06 UTC: It answered 401\..*TRIAGE_OTLP_HEADERS"):
        _export(named)


_KILLED = """
import os, signal, sys
from pathlib import Path
from agents.tracing import custom_span, trace
from storage.traces.known import KnownTraces
from storage.traces.store import TraceStore
from triage.tracing import install
from triage.tracing.otlp.exporter import OtlpExporter
from triage.tracing.otlp.outbox import Outbox, OutboxSink
from triage.tracing.otlp.sending import Collector
from triage.tracing.processor import SpoolingProcessor

all_written = False
folder, url, moment = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Deadly(TraceStore):
    def insert_batch(self, **batch):
        if moment == "before the store" and all_written:
            die()  # In the outbox, and not yet in the store.
        super().insert_batch(**batch)

class DeadlyCollector(Collector):
    def send(self, request):
        outcome = super().send(request)
        if moment == "after the answer":
            die()  # The collector has it, and nobody has noted that.
        return outcome

store = Deadly.open(folder / "traces.duckdb")
outbox = Outbox(folder / "otlp")
exporter = OtlpExporter(outbox, sender=DeadlyCollector(url))
processor = SpoolingProcessor(
    folder / "spool", sink=OutboxSink(store, outbox=outbox, known=KnownTraces(store)), interval_s=3600
)
install(processor)
with trace("t"):
    for number in range(300):
        all_written = number == 299
        with custom_span(f"{number}"):
            pass
if moment == "never":
    assert processor.flush()
    exporter.start()
    assert exporter.flush(timeout_s=20)
    sys.exit()
if moment == "after the answer":
    assert processor.flush()
    exporter.start()
    exporter.flush(timeout_s=20)
processor.flush()
"""


@pytest.mark.kill
@pytest.mark.parametrize("moment", ["before the store", "after the answer"])
def test_after_a_kill_every_span_arrives_under_its_own_id(
    tmp_path: Path, child_environment: dict[str, str], moment: str
) -> None:
    with CollectorServer() as collector:
        for part in (moment, "never"):
            ended = subprocess.run(
                [sys.executable, "-c", _KILLED, str(tmp_path), collector.url, part],
                cwd=PROJECT,
                env=child_environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert ended.returncode == (0 if part == "never" else -9), ended.stderr
        spans = collector.spans
        # The second process writes 300 of its own.
        assert len({span.span_id for span in spans}) == 600
        assert {span.name for span in spans} == {f"custom {number}" for number in range(300)}
