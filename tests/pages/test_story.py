"""A run's events as a story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pages.components.fields import MAX_CHARS, MAX_FIELDS, fields_of
from pages.components.story import story, streamed_reply
from triage.domain import EventKind, RunEvent

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
CALL = {"call_id": "c1", "tool": "search_knowledge_base"}
TICKET = {
    "approval_id": "apr_1",
    "call_id": "c2",
    "tool": "create_support_ticket",
    "arguments": {"title": "Projects empty", "priority": "critical"},
    "summary": "Create critical ticket 'Projects empty'",
}


def make_events(*told) -> list[RunEvent]:
    return [
        RunEvent(
            run_id="run_1",
            seq=number,
            key=str(number),
            kind=kind,
            at=NOW + timedelta(seconds=number),
            duration_ms=payload.pop("took", None),
            payload=payload,
        )
        for number, (kind, payload) in enumerate(((kind, dict(payload)) for kind, payload in told), start=1)
    ]


def test_a_call_and_its_answer_are_one_line_at_the_place_of_the_call():
    called = (EventKind.TOOL_CALLED, {**CALL, "arguments": {"query": "export *fails*"}})
    between = (EventKind.MODEL_RETRIED, {"model": "m", "wait_ms": 2000})
    completed = (EventKind.TOOL_COMPLETED, {**CALL, "summary": "3 articles", "output": '[{"title": "A"}]', "took": 40})

    open_line, _ = story(make_events(called, between))
    assert open_line.text == r"Searching the knowledge base for **export \*fails\***"
    assert open_line.is_open

    line, _ = story(make_events(called, between, completed))
    assert line.text == r"Searched the knowledge base for **export \*fails\*** :gray[· 3 articles]"
    assert line.label.endswith(r":gray[· 0\.04 s]")
    assert not line.is_open
    assert [(field.name, field.value) for field in line.fields] == [
        ("Query", "export *fails*"),
        ("Result 1 title", "A"),
    ]


def test_a_call_that_failed_says_why():
    called = (EventKind.TOOL_CALLED, {"call_id": "c", "tool": "process_refund", "arguments": {"order_id": "2"}})
    error = "The order is 3.5 kg too heavy. Do not try it again."
    failed = (EventKind.TOOL_FAILED, {"call_id": "c", "tool": "process_refund", "error": error})
    (line,) = story(make_events(called, failed))
    assert line.text == r"Could not refund order **2** :gray[· The order is 3\.5 kg too heavy]"
    assert line.badge == ("not done", "orange")
    assert line.fields[-1].value == error


@pytest.mark.parametrize(
    ("tool", "kind", "badge", "text"),
    [
        ("get_account_status", "ToolError", ("no result", "gray"), "Could not look up account **…**"),
        ("process_refund", "ToolError", ("not done", "gray"), "Could not refund order **…**"),
        ("process_refund", "refused", ("not done", "gray"), "Could not refund order **…**"),
        ("order_details", "OutsideUnavailable", ("not done", "orange"), "Could not look up order **…**"),
        ("process_refund", "OperationalError", ("not done", "orange"), "Could not refund order **…**"),
        ("process_refund", "outcome_unknown", ("outcome unknown", "orange"), "Refunding order **…**"),
    ],
)
def test_only_what_broke_is_orange_and_what_nobody_knows_is_not_denied(tool, kind, badge, text):
    (line,) = story(make_events((EventKind.TOOL_FAILED, {"call_id": "c", "tool": tool, "error_kind": kind})))
    assert (line.badge, line.text) == (badge, text)


def test_a_model_that_steps_in_says_why():
    fell_back = (EventKind.MODEL_FELL_BACK, {"from": "big", "to": "small", "reason": "key refused (401)"})
    (line,) = story(make_events(fell_back))
    assert line.text == r"**small** steps in for **big** :gray[· key refused \(401\)]"


def test_that_the_offline_engine_steps_in_is_told_once_for_each_model_and_reason():
    events = [
        (EventKind.MODEL_FELL_BACK, {"from": name, "to": "offline-rules", "reason": reason})
        for name, reason in (("big", "refused"), ("big", "refused"), ("small", "refused"), ("big", "no answer in time"))
    ]
    lines = story(make_events(*events))
    assert lines[0].text == "**The offline engine** steps in for **big** :gray[· refused]"
    assert [line.is_detail for line in lines] == [False, True, False, False]


def test_an_action_waits_until_it_is_decided():
    requested = (EventKind.APPROVAL_REQUESTED, TICKET)
    (line,) = story(make_events(requested))
    assert line.text == "Wants to create a ticket: **Projects empty**, priority **critical**"
    assert line.badge == ("needs approval", "orange")

    said = {"approval_id": "apr_1", "status": "rejected", "by": "rob", "reason": "Known incident"}
    line, decision = story(make_events(requested, (EventKind.APPROVAL_DECIDED, said)))
    assert line.badge is None
    assert decision.text == "**rob** rejected it: Known incident"


def test_what_is_open_when_the_run_ends_is_said_to_be_so():
    called = (EventKind.TOOL_CALLED, {**CALL, "arguments": {"query": "x"}})
    lines = story(
        make_events(called, (EventKind.APPROVAL_REQUESTED, TICKET), (EventKind.RUN_TAKEN_OVER, {"by": "dana"}))
    )
    assert [line.badge for line in lines] == [("interrupted", "gray"), ("not decided", "gray"), None]
    assert lines[-1].text == "Taken over by **dana**"


def test_the_agent_that_a_handoff_named_does_not_start_a_second_time():
    lines = story(
        make_events(
            (EventKind.AGENT_STARTED, {"agent": "Triage agent"}),
            (EventKind.HANDOFF, {"from": "Triage agent", "to": "Billing specialist"}),
            (EventKind.AGENT_STARTED, {"agent": "Billing specialist"}),
        )
    )
    assert [line.text for line in lines if not line.is_detail] == [
        "**Triage agent** started",
        "Handed over to **Billing specialist**",
    ]


def test_guardrails_say_what_they_stopped():
    verdict = {
        "guardrail": "input_check",
        "stage": "input",
        "verdict": "injection_attempt",
        "reason": "Asks for the prompt",
    }
    ended, held, passed = story(
        make_events(
            (EventKind.GUARDRAIL_TRIPPED, verdict),
            (EventKind.GUARDRAIL_TRIPPED, {**verdict, "stage": "tool_output", "ends_run": False}),
            (EventKind.GUARDRAIL_PASSED, verdict),
        )
    )
    assert ended.text == "**Input check** stopped the message"
    assert ended.badge == ("injection attempt", "red")
    assert held.text == "**Input check** held back looked-up text"
    assert held.badge == ("injection attempt", "orange")
    assert passed.text == "**Input check** passed"


def test_model_calls_are_details_with_tokens_and_cost():
    said = {"model": "gpt-5.4", "input_tokens": 1204, "output_tokens": 88, "cost_usd": "0.0041", "is_fallback": True}
    (line,) = story(make_events((EventKind.MODEL_COMPLETED, said)))
    assert line.is_detail
    assert line.text == r"**gpt\-5\.4** answered :gray[· 1,204 tokens in, 88 out · \$0\.0041]"
    assert line.badge == ("fallback", "orange")
    (unpriced,) = story(make_events((EventKind.MODEL_COMPLETED, {"model": "own", "cost_usd": None})))
    assert "no tokens in, no out · unpriced" in unpriced.text


def test_every_kind_but_text_has_a_line_even_with_an_empty_payload():
    for kind in EventKind:
        lines = story(make_events((kind, {})))
        assert len(lines) == (0 if kind.value.startswith("text.") else 1), kind
        assert all(line.label for line in lines)


def test_nothing_that_others_wrote_becomes_markup():
    nasty = "[x](https://evil.example) :red-badge[ok]"
    lines = story(make_events(*((kind, dict.fromkeys(_KEYS, nasty)) for kind in EventKind)))
    for line in lines:
        assert "](" not in line.label
        assert ":red-badge[ok]" not in line.label
        assert "://" not in line.label


_KEYS = (
    "agent",
    "from",
    "to",
    "guardrail",
    "verdict",
    "reason",
    "by",
    "summary",
    "tool",
    "arguments",
    "model",
    "message",
)
_KEYS += ("urgency", "ticket_id", "field", "before", "after", "cost_usd_text", "error", "output")


def test_the_reply_grows_and_starts_again():
    delta, restarted = EventKind.TEXT_DELTA, EventKind.TEXT_RESTARTED
    events = make_events((delta, {"source": "a", "text": "Dear "}), (delta, {"source": "a", "text": "Dana"}))
    assert streamed_reply(events, {}) == "Dear Dana"
    assert streamed_reply(events, {"a": "Dear Dana, we"}) == "Dear Dana, we"
    # A piece may be on its way into the log, and so in none of the events.
    assert streamed_reply(events[:1], {"a": "Dear Dana, we"}) == "Dear Dana, we"
    assert streamed_reply(events, {"b": "Hello"}) == "Hello"
    again = make_events((delta, {"source": "a", "text": "Dear "}), (restarted, {"source": "a"}))
    assert streamed_reply(again, {}) == ""
    assert streamed_reply(again, {"a": "Good"}) == "Good"
    assert streamed_reply([], {}) == ""


def test_fields_name_what_is_nested_and_leave_out_what_is_empty():
    value = {"order_id": "2", "paid": True, "items": [{"name": "Hub", "price": 9.5}], "tags": ["a", "b"], "note": None}
    assert [(field.name, field.value) for field in fields_of(value)] == [
        ("Order id", "2"),
        ("Paid", "yes"),
        ("Items 1 name", "Hub"),
        ("Items 1 price", "9.5"),
        ("Tags", "a, b"),
    ]
    assert fields_of("plain text", name="Result")[0].value == "plain text"
    assert fields_of("[broken", name="Result")[0].value == "[broken"
    assert fields_of(None) == ()


def test_fields_are_limited():
    assert len(fields_of({str(number): "x" for number in range(500)})) == MAX_FIELDS + 1
    assert len(fields_of("x" * 100_000)[0].value) < MAX_CHARS + 40
    deep: dict = {}
    for _ in range(50):
        deep = {"a": deep or "end"}
    assert len(fields_of(deep)) == 1
