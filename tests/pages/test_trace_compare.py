from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bench.history import Plan, write
from pages.components.trace_compare import Side, figures, marked, outcome, path, tool_calls
from storage.traces.queries import TraceQueries
from storage.traces.store import TraceStore
from triage.domain.traces import SpanRow, TraceFilter, TraceRow


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[TraceRow, SpanRow]:
    """A row and a tool call as the store gives them, to make others of."""
    store = TraceStore.open(tmp_path_factory.mktemp("traces") / "traces.duckdb")
    write(store, Plan(runs=30, days=1, until=datetime(2026, 3, 1, tzinfo=UTC)))
    queries = TraceQueries(store)
    row = queries.find(TraceFilter(statuses=("completed",), tools=("search_knowledge_base",))).rows[0]
    span = next(span for span in queries.spans(row.trace_id) if span.kind == "tool")
    store.close()
    return row, span


def side(row: TraceRow | None, spans: list[SpanRow], **contents: Any) -> Side:
    return Side("trace", row, spans, contents, {})


def steps(span: SpanRow, *kinds: tuple[int, str, str]) -> list[SpanRow]:
    return [
        replace(span, span_id=f"s{place}", depth=depth, kind=kind, name=name, tool=name if kind == "tool" else None)
        for place, (depth, kind, name) in enumerate(kinds)
    ]


def test_labels_and_figures_differ_or_do_not(example: tuple[TraceRow, SpanRow]) -> None:
    row = replace(example[0], category="billing", urgency="low", cost_usd=Decimal("0.02"), active_ms=1_000)
    other = replace(row, category="technical", cost_usd=Decimal("0.03"), active_ms=9_000)
    left, right = side(row, []), side(other, [])
    assert [(line.name, line.left, line.right) for line in outcome(left, right) if line.differs] == [
        ("Category", "Billing", "Technical")
    ]
    changes = {line.name: line.change for line in figures(left, right) if line.differs}
    assert changes == {"Cost": "+50%", "Work": "9 times"}
    assert not any(line.differs for line in [*outcome(left, left), *figures(left, left)])


def test_the_path_leaves_out_who_works_inside_checks_and_tools(example: tuple[TraceRow, SpanRow]) -> None:
    spans = steps(
        example[1],
        (0, "task", "Support triage"),
        (1, "guardrail", "Input check"),
        (2, "agent", "Input check"),
        (1, "agent", "Triage agent"),
        (2, "tool", "draft_reply"),
        (3, "agent", "Reply writer"),
        (1, "agent", "Billing specialist"),
        (1, "agent", "Billing specialist"),
    )
    assert path(side(None, spans)) == ["Triage agent", "Billing specialist"]


def test_the_same_tools_stand_side_by_side_and_a_paused_call_counts_once(example: tuple[TraceRow, SpanRow]) -> None:
    ours = steps(example[1], (0, "tool", "find_orders"), (0, "tool", "process_refund"), (0, "tool", "process_refund"))
    ours[1] = replace(ours[1], is_paused=True)
    theirs = steps(example[1], (0, "tool", "search_knowledge_base"), (0, "tool", "find_orders"))
    left = side(None, ours, s0={"arguments": {"email": "a@x.example"}, "result": "2 orders"})
    right = side(None, theirs, s1={"arguments": {"email": "b@x.example"}, "result": "2 orders"})
    found = tool_calls(left, right)
    assert [tool for tool, _ in found] == ["search_knowledge_base", "find_orders", "process_refund"]
    assert [(line.name, line.left, line.right) for line in found[1][1] if line.differs] == [
        ("Email", "a@x.example", "b@x.example")
    ]
    assert {line.left for line in found[0][1]} == {""}
    assert [line.left for line in found[2][1] if line.name == "Outcome"] == ["done"]


def test_what_the_other_text_lacks_is_marked_and_stays_data() -> None:
    assert marked("We refund 20 dollars.", "We refund 30 dollars.") == ("We refund :orange-background[20] dollars\\.")
    shown = marked("see [x](http://evil.example) :red[now]", "see")
    assert "[x](http" not in shown
    assert ":red[now]" not in shown
    assert ":orange-background[" not in marked("a " * 4_000, "b")
