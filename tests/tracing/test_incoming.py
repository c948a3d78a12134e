"""Traces from elsewhere: what is taken, what is refused and how that is told, and that nothing comes in twice."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from agents.tracing import custom_span, function_span, generation_span, trace
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from storage.traces.schema import RUN_COLUMNS, SPAN_COLUMNS
from tests.servers.collector import CollectorServer
from tests.tracing.conftest import Tracing
from triage.cli.app import app
from triage.cli.opening import COMMAND_LINE, services_of_command
from triage.errors import InvalidInput
from triage.settings import Settings
from triage.tracing.incoming.files import ImportReport, import_traces
from triage.tracing.incoming.lines import RunLine, SpanLine, spool_line
from triage.tracing.otlp.exporter import OtlpExporter
from triage.tracing.otlp.outbox import Outbox
from triage.tracing.otlp.sending import Collector

SPAN: dict[str, Any] = {
    "type": "span",
    "trace_id": "trace_1",
    "span_id": "span_1",
    "kind": "tool",
    "name": "lookup",
    "tool": "lookup",
    "started_at": "2026-03-04T05:06:07+00:00",
    "ended_at": "2026-03-04T05:06:08.5+00:00",
    "content": {"arguments": {"email": "a@b.example"}, "result": "ok"},
}
RUN: dict[str, Any] = {
    "type": "run",
    "run_id": "run_1",
    "trace_id": "trace_1",
    "status": "completed",
    "category": "billing",
    "customer_email": "a@b.example",
    "excerpt": "Where is it?",
    "cost_usd": "0.01",
    "created_at": "2026-03-04T05:06:07+00:00",
    "ended_at": "2026-03-04T05:06:09+00:00",
}


def _span(**changes: Any) -> dict[str, Any]:
    return {**SPAN, **changes}


def _import(tracing: Tracing, *values: Any, content: str = "full", whole: str | None = None) -> ImportReport:
    file = tracing.folder / "file.jsonl"
    lines = (value if isinstance(value, str) else json.dumps(value) for value in values)
    file.write_text(whole if whole is not None else "\n".join(lines) + "\n")
    return import_traces(file, spool_dir=tracing.spool_dir, content=content)


def test_spans_runs_and_traces_come_in_once(tracing: Tracing) -> None:
    for _ in range(2):
        report = _import(
            tracing, SPAN, RUN, {"type": "trace", "trace_id": "t", "name": "Nightly", "started_at": SPAN["started_at"]}
        )
        assert (report.taken, report.errors) == (3, [])
        span = tracing.span(span_id="span_1")
    assert (span["tool"], span["duration_ms"]) == ("lookup", 1500.0)
    runs = tracing.store.records("select run_id, status, category, customer_email, cost_usd from runs")
    assert [(row["run_id"], row["status"], row["category"]) for row in runs] == [("run_1", "completed", "billing")]
    assert tracing.store.rows("select name from traces") == [("Nightly",)]


def test_an_imported_run_never_takes_the_place_of_one_from_here(tracing: Tracing) -> None:
    from tests.tracing.examples import run_with

    tracing.processor.record_run(run_with(message="From here"))
    assert tracing.processor.flush()
    last = tracing.store.last_run_change()
    _import(tracing, {**RUN, "updated_at": "2100-01-01T00:00:00+00:00"})
    assert tracing.processor.flush()
    assert tracing.store.rows("select excerpt from runs") == [("From here",)]
    assert tracing.store.last_run_change() == last


def test_wrong_lines_are_told_and_the_others_go_in(tracing: Tracing) -> None:
    report = _import(
        tracing,
        SPAN,
        "",
        "{not json",
        _span(span_id="span_2", ended_at="2026-03-04T05:06:06+00:00"),
        _span(span_id="span_3", input_tokens=-1, model="x" * 501),
        {"type": "span", "trace_id": "t"},
        _span(span_id="span_4", started_at="0001-01-01T00:00:00+00:00"),
        [1, _span(span_id="span_5")],
        {"type": "audit"},
        _span(span_id="span_6", content="[1]"),
        _span(span_id="span_7", kind="; drop table"),
        json.dumps(_span(span_id="span_8")).replace('"lookup"', '"\\ud800"'),
        _span(span_id="span_9", name="a\x00b"),
    )
    assert (report.taken, report.total) == (3, 13)
    told = dict(report.errors)
    assert told["line 3"] == "It is no JSON."
    assert told["line 4"] == "It cannot be: it ends before its start, or its content is no JSON object."
    assert told["line 5"] == "These fields cannot be read: model, input_tokens."
    assert told["line 6"] == "It has no span_id, kind, name, started_at, ended_at."
    assert told["line 7"] == "These fields cannot be read: started_at."
    assert told["line 8, item 1"] == "It is no span, trace or run."
    assert told["line 9"] == "It is no span, trace or run."
    assert told["line 10"] == "These fields cannot be read: content."
    assert told["line 11"] == "These fields cannot be read: kind."
    assert told["line 12"] == "It is no JSON."
    assert [row["span_id"] for row in tracing.spans()] == ["span_1", "span_5", "span_9"]
    assert not (tracing.spool_dir / "rejected").exists()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "trace_id", "spans", "resourceSpans", "scopeSpans", "kind"]), inner
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(sorted(SPAN)),
)
def test_a_line_is_taken_or_refused_whatever_it_holds(value: Any, name: str) -> None:
    for record in (value, {**SPAN, name: value}, {**RUN, name: value}):
        with contextlib.suppress(InvalidInput):
            assert orjson.loads(spool_line(record, content="redacted", marks={}))["is_replay"]


@pytest.mark.parametrize(
    ("content", "arguments", "customer"),
    [("full", "a@b.example", "a@b.example"), ("redacted", "[e-mail]", None), ("none", None, None)],
)
def test_the_setting_for_content_holds(
    tracing: Tracing, content: str, arguments: str | None, customer: str | None
) -> None:
    _import(tracing, _span(error_kind="E", error="a@b.example is gone"), RUN, content=content)
    span = tracing.span(span_id="span_1")
    assert ("a@b.example" in str(span)) == (content == "full")
    kept = tracing.store.rows("select content from span_rows")[0][0]
    assert (None if kept is None else json.loads(kept)["arguments"]["email"]) == arguments
    assert tracing.store.rows("select customer_email from runs") == [(customer,)]


def test_no_column_of_the_store_is_forgotten() -> None:
    # What the store makes itself, and when a run was changed here.
    assert SPAN_COLUMNS.keys() - SpanLine.model_fields.keys() == {"duration_ms", "content_bytes", "part_no"}
    assert RUN_COLUMNS.keys() - RunLine.model_fields.keys() == {"trace_key", "updated_at"}


def test_a_downloaded_trace_comes_in_as_it_was(tracing: Tracing) -> None:
    document = {"trace": {**RUN, "updated_at": "2026-03-04T05:06:09+00:00"}, "spans": [SPAN, _span(span_id="span_2")]}
    report = _import(tracing, whole=json.dumps(document, indent=2))
    assert (report.taken, report.total) == (3, 3)
    assert len(tracing.spans()) == 2
    assert tracing.store.rows("select run_id from runs") == [("run_1",)]


def test_a_cost_comes_in_as_it_is_told_and_else_from_the_price_list(tracing: Tracing) -> None:
    call = {"kind": "model", "is_model_call": True, "model": "gpt-5.4", "input_tokens": 1000, "output_tokens": 10}
    _import(
        tracing,
        _span(**call, span_id="told", cost_usd="0.5"),
        _span(**call, span_id="unpriced", cost_usd=None),
        _span(**call, span_id="untold"),
    )
    costs = {row["span_id"]: row["cost_usd"] for row in tracing.spans()}
    assert (float(costs["told"]), costs["unpriced"]) == (0.5, None)
    assert 0 < costs["untold"] < 0.1


def test_what_went_out_by_otlp_comes_back_as_it_was(tracing: Tracing, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "otlp")
    with CollectorServer() as collector:
        exporter = OtlpExporter(outbox, sender=Collector(collector.url))
        with trace("t", group_id="conv_1"), custom_span("outer", {"a": 1}):
            with generation_span(
                input=[{"role": "user", "content": "Hello"}],
                output=[{"role": "assistant", "content": "Hi"}],
                model="gpt-5.4",
                usage={"input_tokens": 10, "output_tokens": 1},
            ):
                pass
            with function_span("f", input='{"a":1}', output="b") as span:
                span.set_error({"message": "It failed.", "data": None})
        outbox.put(b"".join(path.read_bytes() for path in tracing.spool_dir.glob("*.jsonl")))
        assert tracing.processor.flush()
        exporter.start()
        assert exporter.flush(timeout_s=20)
        exporter.stop()
        written = collector.json_lines()
    sql = "select * exclude (content_bytes, part_no, content) from span_rows order by span_id"
    words = "select span_id, content from span_rows order by span_id"
    before, said = tracing.store.records(sql), tracing.store.rows(words)
    tracing.store._cursor().execute("delete from spans")
    tracing.store._cursor().execute("delete from span_contents")

    report = _import(tracing, whole=written)
    assert (report.taken, report.errors) == (3, [])
    assert tracing.processor.flush()
    assert tracing.store.records(sql) == before
    for (_, told), (_, kept) in zip(said, tracing.store.rows(words), strict=True):
        assert {"settings": None, **json.loads(kept)}.items() >= json.loads(told).items()


FOREIGN = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "bot"}}]},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "0af7651916cd43dd8448eb211c80319c",
                            "spanId": "b7ad6b7169203331",
                            "name": "ChatCompletion",
                            "kind": 3,
                            "startTimeUnixNano": "1772600767890123000",
                            "endTimeUnixNano": "1772600768890123000",
                            "attributes": [
                                {"key": "openinference.span.kind", "value": {"stringValue": "LLM"}},
                                {"key": "llm.model_name", "value": {"stringValue": "gpt-5.4"}},
                                {"key": "llm.token_count.prompt", "value": {"intValue": "12"}},
                                {"key": "llm.token_count.completion", "value": {"intValue": 3}},
                                {"key": "llm.input_messages.0.message.role", "value": {"stringValue": "user"}},
                                {"key": "llm.input_messages.0.message.content", "value": {"stringValue": "Hello"}},
                            ],
                            "status": {"code": 2, "message": "too long"},
                        },
                        {"traceId": "zz", "spanId": "b7ad6b7169203331", "name": "broken"},
                        "nonsense",
                    ]
                }
            ],
        }
    ]
}


def test_spans_of_another_instrumentation_are_understood(tracing: Tracing) -> None:
    report = _import(tracing, FOREIGN, {"resourceSpans": {}}, {"resourceSpans": [{"scopeSpans": 1}]})
    assert (report.taken, report.total) == (1, 5)
    assert dict(report.errors)["line 1, item 2"] == "Its ids are no ids of OpenTelemetry."
    assert dict(report.errors)["line 2"] == "It is no request of the OpenTelemetry protocol."
    span = tracing.span(name="ChatCompletion")
    assert (span["trace_id"], span["span_id"]) == ("trace_0af7651916cd43dd8448eb211c80319c", "span_b7ad6b7169203331")
    assert (span["kind"], span["model"], span["input_tokens"], span["output_tokens"]) == ("model", "gpt-5.4", 12, 3)
    assert (span["error_kind"], span["error"]) == ("error", "too long")
    assert span["cost_usd"] > 0
    kept = tracing.store.rows("select content from span_rows")[0][0]
    assert json.loads(kept)["input"] == [{"role": "user", "content": "Hello"}]
    assert tracing.store.rows("select name from traces") == [("ChatCompletion",)]


def test_the_command_tells_what_came_of_it(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_text(json.dumps(SPAN) + "\nnot json\n")
    done = CliRunner().invoke(app, ["import-traces", str(file)])
    assert (done.exit_code, done.output) == (0, "1 of 2 taken.\n  line 2: It is no JSON.\n")
    told = CliRunner().invoke(app, ["import-traces", str(file), "--json"])
    assert json.loads(told.output) == {
        "taken": 1,
        "total": 2,
        "errors": [{"place": "line 2", "message": "It is no JSON."}],
    }
    assert len(list(settings.spool_dir.glob("*.jsonl"))) == 2
    with services_of_command() as services:
        newest, before, *_ = services.audit.list(actor=COMMAND_LINE)
    assert (newest.action, before.action) == ("traces.imported", "traces.import_asked")
    assert (newest.subject_id, newest.after) == ("traces.jsonl", {"taken": 1, "refused": 1})

    file.write_text("not json\n")
    assert CliRunner().invoke(app, ["import-traces", str(file)]).exit_code == 1
    file.write_bytes(b"PAR1....")
    refused = CliRunner().invoke(app, ["import-traces", str(file)])
    assert isinstance(refused.exception, InvalidInput)
