from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pages.components import spans as said
from pages.components.timeline import lay_out
from pages.components.waterfall import without_frames
from triage.domain import Actor, Run
from triage.services import Services

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


def test_a_short_gap_between_segments_is_no_wait() -> None:
    assert lay_out([Span(0, 100), Span(200, 300, segment=1)]).waits == ()
    assert lay_out([]).total_ms == 0


def test_turns_and_tasks_are_left_out_and_the_rest_moves_up() -> None:
    tree = [("task", 0), ("agent", 1), ("turn", 2), ("model", 3), ("tool", 3), ("agent", 1), ("turn", 2), ("tool", 3)]
    shown = without_frames([Span(kind=kind, depth=depth) for kind, depth in tree])
    assert [(span.kind, depth) for span, depth in shown] == [
        ("agent", 0),
        ("model", 1),
        ("tool", 1),
        ("agent", 0),
        ("tool", 1),
    ]


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


def test_without_runs_the_page_says_what_to_do(open_page: Callable[..., Any]) -> None:
    page = open_page("traces")
    assert not page.exception
    assert "No run in this time" in page.info[0].value


def test_an_unknown_trace_is_said(open_page: Callable[..., Any]) -> None:
    page = open_page("traces", trace="trace_unknown")
    assert not page.exception
    assert any("There is no trace with that id" in info.value for info in page.info)


def test_a_trace_shows_its_steps_and_filters_live_in_the_address(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], operator: Actor
) -> None:
    nasty = "Where is order 1? [click](http://evil.example) :red[boo] $x$ <b>"
    run = settle(running.runs.submit(nasty, actor=operator, customer_email="alice@example.com"))
    page = open_page("traces", trace=run.trace_id)
    assert not page.exception
    steps = next(frame.value for frame in page.dataframe if "Step" in frame.value.columns)["Step"]
    assert any("Asked offline-rules" in step for step in steps)
    assert not any("[click](http" in text.value for text in [*page.markdown, *page.subheader])
    nothing = open_page("traces", trace_status="Failed")
    assert not nothing.exception
    assert "No trace fits these filters" in nothing.info[0].value


def test_a_trace_of_two_thousand_steps_opens_in_pages(running: Services, open_page: Callable[..., Any]) -> None:
    row = {"trace_id": "trace_long", "run_id": "run_long", "kind": "tool", "name": "t", "tool": "t"}
    lines = []
    for number in range(2_000):
        content = {"arguments": {"text": "x" * (1_000_000 if number == 79 else 10)}}
        times = {
            name: (START + timedelta(milliseconds=number + later)).isoformat()
            for name, later in (("started_at", 0), ("ended_at", 1))
        }
        step = {**row, **times, "span_id": f"span_{number}", "content": json.dumps(content)}
        lines.append(json.dumps(step).encode() + b"\n")
    assert running.traces is not None
    running.traces.insert_batch(span_lines=lines, price=lambda calls: None, segment="s", offset=1)
    page = open_page("traces", trace="trace_long")
    assert not page.exception
    steps = next(frame.value for frame in page.dataframe if "Step" in frame.value.columns)
    assert len(steps) == 80
    assert any("2,000 steps" in caption.value for caption in page.caption)
    assert max(len(text.value) for text in page.text) <= 4_000
