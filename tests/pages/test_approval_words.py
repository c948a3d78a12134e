"""The words of the approvals page, and its form, without a page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pages.components.approval_brief import past_line, two_people
from pages.components.approval_choice import following, neighbour
from pages.components.approval_form import GENERAL, place, read_fields, shown
from pages.components.approval_list import due_words, facts, headline
from pages.components.text import plain
from triage.approvals.arguments import ArgumentField, FieldKind
from triage.customers import refund_checks
from triage.domain import (
    Approval,
    ApprovalStatus,
    ExecutionStatus,
    Mode,
    Order,
    OrderStatus,
    PastDecision,
    Refund,
    RejectCode,
    utc_now,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def approval(name: str = "apr_1", *, status: ApprovalStatus = ApprovalStatus.PENDING, **changes: Any) -> Approval:
    said: dict[str, Any] = {
        "tool": "process_refund",
        "arguments": {"order_id": "2", "reason": "broken"},
        "summary": "Refund order 2: broken",
    }
    return Approval(
        **{
            "id": name,
            "run_id": "run_1",
            "segment": 0,
            "conversation_id": "conv_1",
            "call_id": f"call_{name}",
            "agent": "Orders specialist",
            "policy": "A refund moves money, so a person decides.",
            "status": status,
            "created_at": NOW,
            "updated_at": NOW,
            **said,
            **changes,
        }
    )


def order(**changes: Any) -> Order:
    return Order(
        **{
            "id": "2",
            "customer_email": "alice@example.com",
            "product": "USB-C Hub",
            "quantity": 2,
            "total_usd": Decimal("69.98"),
            "status": OrderStatus.DELIVERED,
            "created_at": NOW - timedelta(days=13),
            "delivered_at": NOW - timedelta(days=9),
            **changes,
        }
    )


def test_after_a_decision_comes_the_next_action_and_at_the_end_the_one_before() -> None:
    listed = ["a", "b", "c"]
    assert [following(listed, name) for name in listed] == ["b", "c", "b"]
    assert following(["a"], "a") is None
    assert following(listed, "elsewhere") == "a"


def test_next_and_previous_stop_at_the_ends() -> None:
    assert [neighbour(["a", "b"], "a", by=by) for by in (1, -1)] == ["b", "a"]
    assert neighbour(["a", "b"], "b", by=1) == "b"
    assert neighbour(["a", "b"], "gone", by=1) == "a"
    assert neighbour([], "a", by=1) is None


def test_a_row_says_a_title_as_far_as_a_wide_window_has_room() -> None:
    title = "All our data is gone after the update, every project is empty"
    said = approval(tool="create_support_ticket", arguments={"priority": "critical", "title": title})
    assert headline(said) == f"Critical: {title}"
    address = "somebody.with.a.long.name@another-company.example"
    assert plain(address) in facts(approval(customer_email=address), now=NOW, me="rita")


def test_what_a_model_wrote_cannot_become_markup() -> None:
    nasty = approval(
        tool="create_support_ticket",
        arguments={"priority": "**[x](http://evil.example)**", "title": ":red[boo] $x$"},
        customer_email="![x](http://evil.example)",
        claimed_by=":red[me]",
    )
    assert "[x](http" not in facts(nasty, now=NOW, me="rita")
    assert ":red[me]" not in facts(nasty, now=NOW, me="rita")
    assert headline(approval(tool="unheard_of", summary="Call unheard_of")) == "Call unheard_of"
    assert headline(approval(amount_usd=Decimal("69.98"))) == "Refund $69.98, order 2"


@pytest.mark.parametrize(
    ("due", "said"),
    [
        (timedelta(hours=2), "due in 2 h"),
        (timedelta(minutes=9), ":orange[due in 9 min]"),
        (timedelta(minutes=-5), ":red[overdue by 5 min]"),
        (None, ":orange[waits 1 h]"),
    ],
)
def test_a_row_says_how_much_time_is_left(due: timedelta | None, said: str) -> None:
    waiting = approval(created_at=NOW - timedelta(hours=1), due_at=None if due is None else NOW + due)
    assert due_words(waiting, now=NOW) == said


def test_a_row_says_who_has_it_and_that_a_second_person_has_to_agree() -> None:
    half = approval(claimed_by="rita", endorsed_by="sam", mode=Mode.TWO_PEOPLE, endorsed_at=utc_now())
    assert "1 of 2" in facts(half, now=NOW, me="rita")
    assert "you]" in facts(half, now=NOW, me="rita")
    assert "rita]" in facts(half, now=NOW, me="kim")
    assert "approved by sam just now; a second person has to agree" in two_people(half)
    edited = half.model_copy(update={"endorsed_arguments": {"order_id": "1"}})
    assert "approved as edited by sam" in two_people(edited)


def field(name: str = "title", kind: FieldKind = FieldKind.TEXT, **more: Any) -> ArgumentField:
    return ArgumentField(name=name, kind=kind, **more)


def test_an_untouched_form_gives_back_the_very_arguments() -> None:
    fields = [
        field(proposed="A title"),
        field("amount_usd", FieldKind.MONEY, proposed="69.98"),
        field("count", FieldKind.WHOLE_NUMBER, proposed=3),
        field("order_id", FieldKind.ORDER, proposed=2),
        field("tags", FieldKind.JSON, proposed=["a"]),
        field("note", required=False),
    ]
    typed = {"title": "A title", "amount_usd": 69.98, "count": 3, "order_id": "2", "tags": '["a"]', "note": ""}
    expected = {"title": "A title", "amount_usd": "69.98", "count": 3, "order_id": 2, "tags": ["a"]}
    assert read_fields(fields, typed) == (expected, {})


def test_what_is_wrong_is_said_by_its_field() -> None:
    fields = [field(longest=3), field("why"), field("tags", FieldKind.JSON), field("choice", FieldKind.CHOICE)]
    _, problems = read_fields(fields, {"title": "long", "why": "  ", "tags": "[", "choice": "x"})
    assert list(problems) == ["title", "why", "tags"]
    assert "3 are allowed" in problems["title"]
    assert place("The argument 'why' is empty.", ["title", "why"]) == "why"
    assert place("The policy denies it.", ["title", "why"]) == GENERAL


def test_money_is_shown_as_money_and_choices_in_words() -> None:
    assert shown(field(kind=FieldKind.MONEY), "1234.5") == "$1,234.50"
    assert shown(field(kind=FieldKind.CHOICE), "feature_request") == "Feature request"
    assert shown(field(), "") == "(empty)"


def test_an_earlier_decision_says_who_why_and_what_came_of_it() -> None:
    past = PastDecision(
        id="a", run_id="r", summary="Refund *x*", amount_usd=None, status=ApprovalStatus.REJECTED,
        execution=ExecutionStatus.NOT_STARTED, decided_by="rita", decided_at=utc_now(),
        reason_code=RejectCode.AGAINST_POLICY, reason="31 days", reversed_at=None, reversed_by=None,
    )  # fmt: skip
    line = past_line(past)
    assert "rejected (against policy) by rita: 31 days" in line
    assert "*x*" not in line.replace("\\*", "")
    undone = {"status": ApprovalStatus.APPROVED, "reversed_at": NOW, "reason_code": None}
    assert "reversed later" in past_line(past.model_copy(update=undone))


@pytest.mark.parametrize(
    ("changes", "against"),
    [
        ({}, []),
        ({"status": OrderStatus.SHIPPED, "delivered_at": None}, ["order is shipped", "delivered when?"]),
        ({"delivered_at": NOW - timedelta(days=31)}, ["return ended 28 Feb"]),
        ({"status": OrderStatus.REFUNDED}, ["order is refunded", "refunded before"]),
    ],
)
def test_what_speaks_against_a_refund(changes: dict[str, Any], against: list[str]) -> None:
    checks = refund_checks(order(**changes), refunds=[], today=date(2026, 3, 1))
    assert [check.text for check in checks if not check.holds] == against


def test_an_earlier_refund_of_the_same_order_speaks_against_another() -> None:
    earlier = Refund(
        id="ref_1", order_id="2", run_id="r", call_id="c", amount_usd=Decimal(1), reason="x", created_at=NOW
    )
    checks = refund_checks(order(), refunds=[earlier], today=date(2026, 3, 1))
    assert [check.text for check in checks if not check.holds] == ["refunded before"]
