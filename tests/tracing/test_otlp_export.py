"""The export against a real HTTP server that decodes what it gets: sent once, tried again, bounded, erased, quiet."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from agents.tracing import custom_span, function_span, generation_span, trace
from agents.tracing.setup import set_trace_provider

from storage.traces.known import KnownTraces
from storage.traces.store import TraceStore
from tests.servers.collector import WAIT_S, CollectorServer, attributes
from tests.tracing.examples import NOW, run_with
from triage.domain import Run, RunStatus
from triage.tracing import RunTraceProvider, install
from triage.tracing.otlp.exporter import OtlpExporter
from triage.tracing.otlp.outbox import Outbox, OutboxSink
from triage.tracing.otlp.sending import Collector
from triage.tracing.otlp.status import read_status
from triage.tracing.processor import ContentMode, SpoolingProcessor


class Exporting:
    """A store, the processor that fills it, and the export beside it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.content: ContentMode = "full"
        self.headers: dict[str, str] = {}
        self.max_bytes = 10_000_000
        self.timeout_s = 5.0
        self.runs: dict[str, Run] = {}

    def open(self) -> Exporting:
        self.store = TraceStore.open(self.folder / "traces.duckdb")
        self.outbox = Outbox(self.folder / "otlp", max_bytes=self.max_bytes, segment_bytes=2000)
        self.exporter = OtlpExporter(
            self.outbox,
            sender=Collector(self.url, headers=self.headers, timeout_s=self.timeout_s),
            content=self.content,
            find_run=self.runs.get,
            first_pause_s=0.05,
        )
        self.exporter.start()
        self.processor = SpoolingProcessor(
            self.folder / "spool",
            sink=OutboxSink(self.store, outbox=self.outbox, known=KnownTraces(self.store)),
            content=self.content,
            interval_s=60,
        )
        install(self.processor)
        return self

    def close(self) -> None:
        self.processor.shutdown()
        self.exporter.stop()
        self.store.close()

    def flush(self) -> None:
        assert self.processor.flush()
        assert self.exporter.flush(timeout_s=20)


@pytest.fixture
def collector() -> Iterator[CollectorServer]:
    with CollectorServer() as collector:
        yield collector


@pytest.fixture
def exporting(tmp_path: Path, collector: CollectorServer) -> Iterator[Exporting]:
    exporting = Exporting(tmp_path, collector.url + "/v1/traces")
    yield exporting
    exporting.close()
    set_trace_provider(RunTraceProvider())


def _write(*names: str) -> None:
    with trace("t"):
        for name in names:
            with custom_span(name):
                pass


def test_what_the_store_gets_the_collector_gets(exporting: Exporting, collector: CollectorServer) -> None:
    exporting.headers = {"api-key": "k1"}
    exporting.open()
    with trace("t", group_id="conv_1"):
        call = {"id": "call_1", "function": {"name": "find_orders", "arguments": '{"email": "a@b.example"}'}}
        with generation_span(
            input=[{"role": "user", "content": "Hello"}],
            output=[{"role": "assistant", "content": None, "tool_calls": [call]}],
            model="gpt-5.4",
            usage={"input_tokens": 1000, "output_tokens": 10},
        ):
            pass
        with function_span("find_orders", input='{"email":"a@b.example"}', output="none"):
            pass
    exporting.flush()

    model, tool = collector.named("chat gpt-5.4"), collector.named("execute_tool find_orders")
    kept = {row["span_id"]: row for row in exporting.store.records("select * from spans")}
    for span in (model, tool):
        row = kept[attributes(span)["triage.span_id"]]
        assert span.trace_id.hex() == row["trace_id"].removeprefix("trace_")
        assert row["duration_ms"] == (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
    # Nothing of ours made this call, so both sides price it themselves.
    row = kept[attributes(model)["triage.span_id"]]
    assert row["cost_usd"] > 0
    assert attributes(model)["triage.cost_usd"] == float(row["cost_usd"])
    assert attributes(tool)["gen_ai.tool.call.id"] == "call_1"
    assert attributes(tool)["session.id"] == "conv_1"
    assert collector.paths == ["/v1/traces"]
    assert collector.headers[0]["api-key"] == "k1"
    assert collector.headers[0]["content-type"] == "application/x-protobuf"
    assert exporting.exporter.status().sent == 2


def test_the_top_of_a_trace_without_a_run_has_its_words(exporting: Exporting, collector: CollectorServer) -> None:
    exporting.open()
    with trace("t"), custom_span("top"):
        for asked, answered in (("Hello", "Wait"), ("Again", "Bye")):
            with generation_span(
                input=[{"role": "user", "content": asked}], output=[{"role": "assistant", "content": answered}]
            ):
                pass
    exporting.flush()
    top = attributes(collector.named("custom top"))
    assert (top["input.value"], top["output.value"]) == ("Hello", "Bye")


def test_a_run_has_its_root_once_it_has_ended_and_one_trace_over_its_pause(
    exporting: Exporting, collector: CollectorServer
) -> None:
    exporting.open()
    ended = {"status": RunStatus.COMPLETED, "ended_at": NOW + timedelta(seconds=9), "reply": "It is on its way."}
    exporting.processor.record_run(run_with(status=RunStatus.RUNNING))
    exporting.processor.record_run(run_with(status=RunStatus.AWAITING_APPROVAL, updated_at=NOW + timedelta(seconds=1)))
    exporting.flush()
    assert collector.spans == []

    done = run_with(**ended, updated_at=NOW + timedelta(seconds=9))
    exporting.runs["run_1"] = done
    exporting.processor.record_run(done)
    exporting.flush()
    # What a person changes afterwards is no second end.
    exporting.processor.record_run(run_with(**ended, updated_at=NOW + timedelta(seconds=99)))
    exporting.flush()
    exporting.close()
    exporting.open()
    exporting.processor.record_run(run_with(**ended, updated_at=NOW + timedelta(seconds=999)))
    exporting.flush()

    root = attributes(collector.named("invoke_workflow Support triage"))
    assert (root["input.value"], root["output.value"]) == ("Where is my order?", "It is on its way.")


@pytest.mark.parametrize(
    ("content", "said", "asked"),
    [
        ("full", "Mail a@b.example", "Mail c@d.example"),
        ("redacted", "Mail [e-mail]", "Mail [e-mail]"),
        ("none", None, None),
    ],
)
def test_content_follows_the_setting(
    exporting: Exporting, collector: CollectorServer, content: ContentMode, said: str | None, asked: str | None
) -> None:
    exporting.content = content
    exporting.open()
    with trace("t"), function_span("f", input="{}", output="Mail a@b.example"):
        pass
    done = run_with(
        status=RunStatus.COMPLETED, ended_at=NOW + timedelta(seconds=1), message="Mail c@d.example",
        customer_email="c@d.example",
    )  # fmt: skip
    exporting.runs["run_1"] = done
    exporting.processor.record_run(done)
    exporting.flush()

    tool, root = (attributes(collector.named(name)) for name in ("execute_tool f", "invoke_workflow Support triage"))
    assert tool.get("output.value") == tool.get("gen_ai.tool.call.result") == said
    assert root.get("input.value") == asked
    assert root.get("user.id") == ("c@d.example" if content == "full" else None)
    everything = b"".join(request.SerializeToString() for request in collector.requests)
    assert (b"a@b.example" in everything) == (content == "full")


def test_a_collector_in_trouble_is_asked_again(exporting: Exporting, collector: CollectorServer) -> None:
    collector.answers.extend([503, 429, 401])
    collector.retry_after = "0"
    exporting.open()
    _write("one", "two")
    exporting.flush()
    assert [span.name for span in collector.spans] == ["custom one", "custom two"]
    status = exporting.exporter.status()
    assert (collector.tries, status.sent, status.problem, status.failing_since) == (4, 2, None, None)


def test_a_problem_is_kept_for_others_to_read(exporting: Exporting, collector: CollectorServer) -> None:
    collector.answers.extend([401] * 1000)
    exporting.open()
    _write("one")
    assert exporting.processor.flush()
    collector.wait_for_tries(2)
    exporting.close()
    status = read_status(exporting.folder / "otlp")
    assert status.problem == "It answered 401."
    assert status.failing_since is not None
    exporting.open()


def test_only_the_span_that_is_refused_is_lost(exporting: Exporting, collector: CollectorServer) -> None:
    collector.refuses = {"custom bad"}
    exporting.open()
    _write("a", "b", "bad", "c")
    exporting.flush()
    assert sorted(span.name for span in collector.spans) == ["custom a", "custom b", "custom c"]
    status = exporting.exporter.status()
    assert (status.sent, status.refused) == (3, 1)


def test_spans_that_a_collector_leaves_out_are_counted(exporting: Exporting, collector: CollectorServer) -> None:
    collector.rejects = 1
    exporting.open()
    _write("a", "b")
    exporting.flush()
    status = exporting.exporter.status()
    assert (status.sent, status.refused) == (1, 1)


def test_what_was_not_sent_goes_out_after_the_next_start(exporting: Exporting, collector: CollectorServer) -> None:
    collector.answers.extend([503] * 1000)
    exporting.open()
    _write("one", "two")
    assert exporting.processor.flush()
    collector.wait_for_tries(1)
    exporting.close()
    assert collector.spans == []
    collector.answers.clear()

    exporting.open()
    exporting.flush()
    assert [span.name for span in collector.spans] == ["custom one", "custom two"]


def test_the_oldest_are_given_up_when_too_many_wait(exporting: Exporting, collector: CollectorServer) -> None:
    collector.answers.extend([503] * 1000)
    exporting.max_bytes = 2000
    exporting.open()
    names = [f"n{number}" for number in range(20)]
    for name in names:
        _write(name)
        assert exporting.processor.flush()
    collector.wait_for_tries(collector.tries + 2)
    collector.answers.clear()
    exporting.flush()
    status = exporting.exporter.status()
    arrived = [span.name.removeprefix("custom ") for span in collector.spans]
    assert arrived == names[-len(arrived) :]
    assert 0 < len(arrived) < 20
    assert status.dropped == 20 - len(arrived)


def test_a_replayed_span_goes_out_once(exporting: Exporting, collector: CollectorServer) -> None:
    exporting.open()
    line = (
        b'{"type":"span","trace_id":"t","span_id":"s","kind":"custom","name":"x","is_replay":true,'
        b'"started_at":"2026-03-04T05:06:07+00:00","ended_at":"2026-03-04T05:06:08+00:00"}\n'
    )
    for _ in range(2):
        exporting.processor._spool.append(line)
        exporting.flush()
    # The second end of the span, after a kill and in another process.
    exporting.close()
    exporting.open()
    exporting.processor._spool.append(line)
    exporting.flush()
    assert len(collector.spans) == 1


def test_a_line_that_nobody_can_read_holds_nothing_up(exporting: Exporting, collector: CollectorServer) -> None:
    exporting.open()
    exporting.outbox.put(b'{"type":"span"}\nnot json\n[1]\n')
    _write("one")
    exporting.flush()
    assert [span.name for span in collector.spans] == ["custom one"]
    assert exporting.exporter.status().unreadable == 3


def test_a_customer_can_be_taken_out_of_what_waits(exporting: Exporting, collector: CollectorServer) -> None:
    collector.answers.extend([503] * 1000)
    exporting.open()
    with trace("t", trace_id="trace_" + "a" * 32), custom_span("secret"):
        pass
    _write("other")
    assert exporting.processor.flush()
    collector.wait_for_tries(1)
    assert exporting.exporter.forget({"trace_" + "a" * 32}) == 1
    assert not any(b"secret" in path.read_bytes() for path in (exporting.folder / "otlp").glob("*.jsonl"))
    collector.answers.clear()
    exporting.flush()
    assert [span.name for span in collector.spans] == ["custom other"]


def test_nothing_of_a_customer_is_on_its_way_any_more_when_they_are_taken_out(
    exporting: Exporting, collector: CollectorServer
) -> None:
    collector.go_on.clear()
    collector.answers.append(503)
    exporting.open()
    with trace("t", trace_id="trace_" + "a" * 32), custom_span("secret"):
        pass
    assert exporting.processor.flush()
    assert collector.reached.wait(WAIT_S)
    with ThreadPoolExecutor(1) as pool:
        taken_out = pool.submit(exporting.exporter.forget, {"trace_" + "a" * 32})
        with pytest.raises(TimeoutError):
            taken_out.result(timeout=0.2)
        collector.go_on.set()
        assert taken_out.result(timeout=WAIT_S) == 1
    exporting.flush()
    assert collector.spans == []


def test_a_collector_that_hangs_holds_up_neither_the_spans_nor_the_end(
    exporting: Exporting, collector: CollectorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.tracing.otlp.exporter.STOP_TIMEOUT_S", 0.1)
    collector.go_on.clear()
    exporting.open()
    _write("one")
    assert exporting.processor.flush(timeout_s=10)
    exporting.processor.shutdown()
    exporting.exporter.stop(timeout_s=0.2)
    assert exporting.store.rows("select count(*) from spans") == [(1,)]
    collector.go_on.set()
    exporting.exporter._thread.join(10)
    assert not exporting.exporter._thread.is_alive()


def test_a_log_line_says_neither_the_address_nor_the_headers(
    exporting: Exporting, collector: CollectorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    collector.answers.append(503)
    exporting.url = collector.url + "/hidden/v1/traces"
    exporting.headers = {"authorization": "Bearer hidden"}
    exporting.open()
    _write("one")
    exporting.flush()
    said = "".join(capsys.readouterr())
    assert "otlp_export_failed" in said
    assert "hidden" not in said
