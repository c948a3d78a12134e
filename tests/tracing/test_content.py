"""Whatever a span holds becomes a line, and as much of it is kept as the setting says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from agents.tracing import SpanError, custom_span, function_span, generation_span, guardrail_span, trace
from pydantic import BaseModel

from tests.tracing.examples import run_with
from triage.domain import RunStatus, Trip
from triage.scope import RunScope
from triage.tracing.content import MAX_BYTES, to_json, to_line


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Loose(BaseModel):
    value: Any = None


def _cycle() -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


def _deep() -> Any:
    value: Any = "bottom"
    for _ in range(5_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (float("inf"), None),
        (b"\x00\xff", "<2 bytes>"),
        (Decimal("1.10"), "Decimal('1.10')"),
        (10**30, str(10**30)),
        ({1: "one", None: "none"}, {"1": "one", "None": "none"}),
        ("half \ud800 pair", "half ? pair"),
        ({"ta\udfffg": 1}, {"ta?g": 1}),
        ({3}, [3]),
        (("a", "b"), ["a", "b"]),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (Loose(value="x"), {"value": "x"}),
        (Loose.model_construct(value=Unprintable()), {"value": "<Unprintable without repr>"}),
        (Unprintable(), "<Unprintable without repr>"),
        (int, "<class 'int'>"),
        ("line\nbreak \x00 \u2028", "line\nbreak \x00 \u2028"),
    ],
)
def test_anything_becomes_json_on_one_line(value: Any, expected: Any) -> None:
    line = to_line({"type": "span", "name": "x"}, {"value": value})

    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(json.loads(line)["content"]) == {"value": expected}


@pytest.mark.parametrize("value", [_cycle(), _deep(), {"a": _cycle(), "b": Unprintable(), 3: _deep()}])
def test_what_has_no_end_is_cut(value: Any) -> None:
    assert len(to_json({"value": value})) < 5_000
    assert json.loads(to_json({"value": value}))


def test_a_huge_text_is_cut_with_a_marker() -> None:
    written = to_json({"result": "x" * 3_000_000, "arguments": {"q": "short"}})

    assert len(written) <= MAX_BYTES
    content = json.loads(written)
    assert content["result"].endswith("… [2900000 more characters]")
    assert content["arguments"] == {"q": "short"}


def test_many_large_texts_are_cut_as_well() -> None:
    content = json.loads(to_json({"input": [{"content": "y" * 900_000} for _ in range(10)]}))

    assert len(content["input"]) == 10
    assert all("more characters" in item["content"] for item in content["input"])


def test_a_list_without_end_keeps_its_start() -> None:
    written = to_json({"rows": ["some words"] * 400_000})

    assert len(written) < 200_000
    assert json.loads(written)["shortened"].startswith('{"rows":["some words"')


def test_a_span_with_odd_content_reaches_the_store(tracing: Any, scope: RunScope) -> None:
    with trace("t"), custom_span("na\ud800me", {"thing": Unprintable(), "cycle": _cycle(), "n": float("nan")}):
        pass

    row = tracing.span(kind="custom")
    assert row["name"] == "na?me"
    assert json.loads(row["content"])["data"]["thing"] == "<Unprintable without repr>"


def test_a_text_with_null_characters_reaches_the_store(tracing: Any, scope: RunScope) -> None:
    with trace("t"), function_span("x", input="not json \x00", output="a\x00b"):
        pass

    assert json.loads(tracing.span(kind="tool")["content"]) == {"arguments": "not json \x00", "result": "a\x00b"}


def _tell_everything(scope: RunScope) -> None:
    scope.verdicts["Input check"] = {"stage": "input", "verdict": "harmful", "reason": "wrote ann@shop.example"}
    with trace("t"):
        with generation_span(model="gpt-4o", input=[{"role": "user", "content": "I am ann@shop.example"}]) as call:
            call.span_data.usage = {"input_tokens": 1, "output_tokens": 1}
        with function_span(
            "find_orders", input='{"email": "ann@shop.example"}', output="order 2 of ann@shop.example"
        ) as tool:
            tool.set_error(SpanError(message="Error running tool", data={"error": "no ann@shop.example"}))
        with function_span("order_details", input='"ann@shop.example"', output="ann@shop.example") as refused:
            refused.set_error(SpanError(message="Not for ann@shop.example.", data={"tool": "x", "kind": "ToolError"}))
        with guardrail_span("Input check", triggered=True):
            pass


def test_full_keeps_everything(tracing: Any, scope: RunScope) -> None:
    _tell_everything(scope)
    tracing.processor.record_run(run_with(customer_email="ann@shop.example", message="I am Ann " * 100))

    texts = [f"{row['content']} {row['error']}" for row in tracing.spans()]
    assert all("ann@shop.example" in text for text in texts)
    run = tracing.store.records("select * from runs")[0]
    assert run["customer_email"] == "ann@shop.example"
    assert run["excerpt"] == ("I am Ann " * 100)[:160]


def test_redacted_keeps_the_words_without_the_person(tracing: Any, scope: RunScope) -> None:
    tracing.reopen(content="redacted")
    _tell_everything(scope)
    tracing.processor.record_run(run_with(customer_email="ann@shop.example", message="I am ann@shop.example"))

    rows = tracing.spans()
    run = tracing.store.records("select * from runs")[0]
    assert "ann@" not in str(rows) + str(run)
    assert json.loads(tracing.span(tool="find_orders")["content"]) == {
        "arguments": {"email": "[e-mail]"},
        "result": "order 2 of [e-mail]",
    }
    assert tracing.span(tool="find_orders")["error"] == "Error running tool: no [e-mail]"
    assert tracing.span(tool="order_details")["error"] == "Not for [e-mail]."
    assert json.loads(tracing.span(kind="guardrail")["content"])["reason"] == "wrote [e-mail]"


def test_none_keeps_the_measures_only(tracing: Any, scope: RunScope) -> None:
    tracing.reopen(content="none")
    _tell_everything(scope)
    trip = Trip(
        guardrail="Input check", stage="input", verdict="harmful", reason="ann@shop.example", customer_message="no"
    )
    tracing.processor.record_run(run_with(status=RunStatus.BLOCKED, customer_email="ann@shop.example", trip=trip))

    rows = tracing.spans()
    run = tracing.store.records("select * from runs")[0]
    assert "ann@" not in str(rows) + str(run)
    assert [row["content"] for row in rows] == [None] * 4
    assert tracing.span(tool="find_orders")["error"] == "Error running tool"
    assert tracing.span(tool="order_details")["error"] == "ToolError"
    assert tracing.span(kind="guardrail")["verdict"] == "harmful"
    assert tracing.span(kind="model")["input_tokens"] == 1
    assert (run["trip_guardrail"], run["trip_verdict"]) == ("Input check", "harmful")
    spooled = b"".join(path.read_bytes() for path in tracing.spool_dir.glob("*.jsonl"))
    assert b"ann@" not in spooled
