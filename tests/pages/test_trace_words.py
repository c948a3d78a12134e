from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pages.components import spans as said
from pages.components.timeline import lay_out
from pages.components.waterfall import rows_of

START = datetime(2026, 3, 10, 12, tzinfo=UTC)


@dataclass
class Span:
    """What the views read of a span."""

    begin_ms: int = 0
    end_ms: int = 0
    segment: int | None = 0
    kind: str = "tool"
    depth: int = 0
    name: str = "search_knowledge_base"
    tool: str | None = None
    model: str | None = None
    guardrail: str | None = None
    to_agent: str | None = None
    triggered: bool | None = None
    is_paused: bool = False
    is_retry: bool = False
    is_fallback: bool = False
    is_unpriced: bool = False
    span_id: str = "span"
    duration_ms: float = 1.0
    cost_usd: Any = None
    error: str | None = None

    @property
    def started_at(self) -> datetime:
        return START + timedelta(milliseconds=self.begin_ms)

    @property
    def ended_at(self) -> datetime:
        return START + timedelta(milliseconds=self.end_ms)


def test_waiting_for_a_person_is_cut_out_of_the_time() -> None:
    spans = [Span(0, 100), Span(50, 100), Span(60_100, 60_300, segment=1), Span(60_200, 60_300, segment=1)]
    timeline = lay_out(spans)
    assert timeline.starts_ms == (0, 50, 100, 200)
    assert timeline.lengths_ms == (100, 50, 200, 100)
    assert timeline.total_ms == 300
    assert [(wait.at_ms, wait.waited_ms) for wait in timeline.waits] == [(100, 60_000)]


def test_a_span_over_a_wait_is_shortened_by_it_and_two_waits_add_up() -> None:
    spans = [
        Span(0, 2_300, segment=None),
        Span(0, 100),
        Span(1_100, 1_200, segment=1),
        Span(2_200, 2_300, segment=2),
    ]
    timeline = lay_out(spans)
    assert timeline.lengths_ms[0] == 300
    assert timeline.starts_ms == (0, 0, 100, 200)
    assert [wait.waited_ms for wait in timeline.waits] == [1_000, 1_000]


def test_a_wait_is_a_row_of_its_own_before_the_first_step_after_it() -> None:
    spans: Any = [
        Span(0, 60_300, segment=None, kind="task", name="Work"),
        Span(0, 100, depth=1, kind="model", model="gpt-5.4"),
        Span(60_100, 60_300, depth=1, segment=1, error="it broke"),
    ]
    drawn = rows_of(spans)
    assert [row[1:7] + row[8:] for row in drawn["rows"]] == [
        [0, 4, "Work", 0, 300, "<\u202f0.01 s", 2, ""],
        [1, 0, "Asked gpt-5.4", 0, 100, "<\u202f0.01 s", 0, ""],
        [1, 1, "Search knowledge base", 100, 200, "<\u202f0.01 s", 1, ""],
    ]
    assert drawn["waits"] == [[2, 100, "Waited 1 min for a decision"]]
    assert rows_of(spans, waits_since=START)["waits"][1] == [3, 300, "Waits for a decision"]


def test_a_short_gap_between_segments_is_no_wait() -> None:
    assert lay_out([Span(0, 100), Span(200, 300, segment=1)]).waits == ()
    assert lay_out([]).total_ms == 0


@pytest.mark.parametrize(
    ("span", "title"),
    [
        (Span(kind="model", model="gpt-5.4"), "Asked gpt-5.4"),
        (Span(tool="process_refund", is_paused=True), "Process refund, stopped for a decision"),
        (Span(kind="handoff", to_agent="Escalation"), "Handed over to Escalation"),
        (Span(kind="guardrail", guardrail="input_check", triggered=True), "Input check stopped it"),
        (Span(kind="turn", name="turn 2"), "Turn 2"),
    ],
)
def test_a_step_in_words(span: Span, title: str) -> None:
    assert said.title(span) == title


def test_messages_of_the_responses_api_read_as_a_conversation() -> None:
    content = {
        "instructions": "Be kind.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Where is order 1?"}]},
            {"type": "function_call", "name": "order_details", "arguments": '{"order_id": "1"}', "call_id": "c"},
            {"type": "function_call_output", "call_id": "c", "output": "shipped"},
        ],
        "output": [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "On its way."}]}
        ],
    }
    assert [(piece.who, piece.text) for piece in said.messages(content)] == [
        ("instructions", "Be kind."),
        ("customer", "Where is order 1?"),
        ("tool call", '{"order_id": "1"}'),
        ("tool result", "shipped"),
        ("agent", "On its way."),
    ]


def test_messages_of_the_chat_completions_api_read_the_same() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "find_orders", "arguments": '{"email": "a@b.example"}'}}
    content = {
        "input": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "none"},
        ],
        "output": [{"role": "assistant", "content": "Hi"}],
    }
    assert [(piece.who, piece.name) for piece in said.messages(content)] == [
        ("instructions", ""),
        ("customer", ""),
        ("tool call", "find_orders"),
        ("tool result", ""),
        ("agent", ""),
    ]


@pytest.mark.parametrize(
    "odd", [{}, {"input": 3}, {"input": [None, 1, {"role": 7}, {"content": [{"x": 1}]}], "output": [[]]}]
)
def test_odd_content_is_shown_and_breaks_nothing(odd: dict[str, Any]) -> None:
    said.messages(odd)
