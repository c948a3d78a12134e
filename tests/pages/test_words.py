"""The words of the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pages.components import words
from triage.domain import (
    ApprovalStatus,
    Category,
    EventKind,
    ExecutionStatus,
    Role,
    Run,
    RunStatus,
    TriageResult,
    Urgency,
)

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


def make_run(status: RunStatus = RunStatus.COMPLETED, *, requires_human: bool = False, **fields) -> Run:
    result = TriageResult(
        category=Category.BILLING,
        urgency=Urgency.LOW,
        summary="",
        recommended_action="",
        requires_human=requires_human,
        reply_draft="",
        citations=[],
        confidence=0.5,
    )
    return Run(
        id="run_1",
        conversation_id="conv_1",
        message_id="msg_1",
        status=status,
        message="Hello",
        submitted_by="dana",
        result=result,
        trace_id="trace_1",
        created_at=NOW,
        updated_at=NOW,
        **fields,
    )


@pytest.mark.parametrize(
    ("label", "values"),
    [
        (words.run_status, RunStatus),
        (words.approval_status, ApprovalStatus),
        (words.execution_status, ExecutionStatus),
        (words.category, Category),
        (words.urgency, Urgency),
        (words.event, EventKind),
    ],
)
def test_every_status_has_words_and_an_icon_of_its_own_set(label, values):
    for value in values:
        text, icon, _ = label(value)
        assert text[0].isupper(), value
        assert "_" not in text
        assert icon.startswith(":material/"), value
        assert icon.endswith(":"), value


def test_the_inbox_says_what_a_person_did_or_has_to_do_rather_than_the_bare_status():
    assert words.run_state(make_run()).text == "Done"
    assert words.run_state(make_run(requires_human=True)).text == "Needs you"
    assert words.run_state(make_run(requires_human=True, assigned_to="dana")).text == "Taken over"
    assert words.run_state(make_run(requires_human=True, reply_sent_at=NOW)).text == "Sent"
    assert words.run_state(make_run(RunStatus.FAILED)).text == "Failed"
    assert words.run_state(make_run(RunStatus.AWAITING_APPROVAL)).text == "Waits for approval"
    assert words.run_state(make_run(escalated=True)).text == "Needs you"
    assert words.run_state(make_run(RunStatus.BLOCKED, escalated=True)).text == "Needs you"
    assert words.run_state(make_run(RunStatus.RUNNING, escalated=True)).text == "Running"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 d ago"),
        (timedelta(days=6, hours=23), "6 d ago"),
        (timedelta(days=7), "2 Mar 2026"),
    ],
)
def test_times_are_relative_for_a_week(before, expected):
    assert words.ago(NOW - before, now=NOW) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=3), "3 min"),
        (timedelta(days=6), "6 d"),
        (timedelta(days=7), "2 Mar"),
        (timedelta(days=365), "Mar 2025"),
    ],
)
def test_narrow_lists_have_shorter_times(before, expected):
    assert words.short_ago(NOW - before, now=NOW) == expected


@pytest.mark.parametrize("status", RunStatus)
def test_a_short_status_is_one_word(status):
    assert words.short_status(status).isalpha()


def test_exact_times_name_their_zone():
    assert words.exact(NOW) == "2026-03-09 12:00:00 UTC"


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        (None, "unpriced"),
        (Decimal(0), "$0"),
        (Decimal("0.0041"), "$0.0041"),
        (Decimal("0.00412349"), "$0.004123"),
        (Decimal("0.00000012345"), "$0.0000001234"),
        (Decimal("0.01"), "$0.01"),
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("-0.5"), "-$0.50"),
        (0.0041, "$0.0041"),
    ],
)
def test_money_keeps_four_digits_below_a_cent(usd, expected):
    assert words.money(usd) == expected


def test_a_cost_says_which_calls_have_no_price():
    assert words.cost(Decimal("0.02")) == "$0.02"
    assert words.cost(Decimal("0.02"), unpriced_calls=1) == "$0.02 and 1 call unpriced"
    assert words.cost(Decimal(0), unpriced_calls=3) == "3 calls unpriced"


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (None, ""),
        (0, "under 0.01 s"),
        (4, "under 0.01 s"),
        (210, "0.21 s"),
        (994, "0.99 s"),
        (999, "1.0 s"),
        (3_900, "3.9 s"),
        (9_960, "10 s"),
        (48_400, "48 s"),
        (59_700, "1 min"),
        (720_000, "12 min"),
        (7_500_000, "2 h 5 min"),
        (7_200_000, "2 h"),
        (3_599_900, "1 h"),
        (273_600_000, "3 d 4 h"),
        (172_800_000, "2 d"),
    ],
)
def test_durations_have_the_unit_that_fits(ms, expected):
    assert words.duration(ms) == expected


def test_counts_agree_with_their_noun():
    assert words.count(1, "run") == "1 run"
    assert words.count(1204, "run") == "1,204 runs"
    assert words.count(0, "reply", plural="replies") == "0 replies"


def test_one_line_cuts_at_a_word():
    assert words.one_line(" a \n b\tc ") == "a b c"
    assert words.one_line("The export of our invoices fails", limit=20) == "The export of our…"
    assert words.one_line("x" * 50, limit=10) == "x" * 9 + "…"


def test_identifiers_become_words():
    assert words.words("feature_request") == "Feature request"
    assert words.words("") == ""
    assert words.role(Role.ADMIN) == "Administrator"


def test_tools_have_words_unless_two_would_read_the_same():
    assert words.tool_names(["process_refund", "get_order", "get_order_"]) == {
        "process_refund": "Process refund",
        "get_order": "get_order",
        "get_order_": "get_order_",
    }


def test_a_tool_that_is_not_named_as_ours_are_is_said_as_it_is_written():
    assert words.tool_names(["mail.send_now", "<b>x</b>"]) == {"mail.send_now": "mail.send_now", "<b>x</b>": "<b>x</b>"}
