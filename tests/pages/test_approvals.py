"""The approvals page: its words, its form, and what a person does on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pages.components.approval_brief import past_line, two_people
from pages.components.approval_choice import following, neighbour
from pages.components.approval_form import GENERAL, place, read_fields, shown
from pages.components.approval_list import due_words, facts, headline
from pages.components.context import NAME_KEY
from pages.components.text import plain
from triage.approvals.arguments import ArgumentField, FieldKind
from triage.customers import refund_checks
from triage.domain import (
    Actor,
    Approval,
    ApprovalStatus,
    ExecutionStatus,
    Mode,
    Order,
    OrderStatus,
    PastDecision,
    Refund,
    RejectCode,
    Role,
    Run,
    RunStatus,
    utc_now,
)
from triage.services import Services

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RETURN = "I want to return order 2, the hub stopped working"


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


@pytest.fixture
def asked(running: Services, settle: Callable[[Run], Run], operator: Actor) -> Callable[..., Approval]:
    """Submit a message whose refund or ticket waits, and return what waits."""

    def ask(text: str = RETURN, email: str = "alice@example.com") -> Approval:
        run = settle(running.runs.submit(text, actor=operator, customer_email=email))
        assert run.status is RunStatus.AWAITING_APPROVAL
        return running.approvals.list_of_run(run.id)[0]

    return ask


def test_nothing_waits(open_page: Callable[..., Any]) -> None:
    page = open_page("approvals")
    assert not page.exception
    assert "Nothing waits" in page.success[0].value


def test_approving_in_the_page_lets_the_run_finish(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], asked: Callable[..., Approval]
) -> None:
    waiting = asked()
    page = open_page("approvals")
    assert not page.exception
    assert "goes back" not in page.subheader[0].value
    assert "69" in page.subheader[0].value
    page.button(f"approve_{waiting.id}").click().run()
    assert not page.exception
    assert settle(running.runs.get(waiting.run_id)).status is RunStatus.COMPLETED
    assert running.approvals.get(waiting.id).status is ApprovalStatus.APPROVED


def test_an_operator_reads_why_they_cannot_decide_and_finds_no_dead_buttons(
    open_page: Callable[..., Any], asked: Callable[..., Approval]
) -> None:
    waiting = asked()
    page = open_page("approvals", role=Role.OPERATOR)
    keys = {button.key for button in page.button}
    assert not keys & {f"{name}_{waiting.id}" for name in ("approve", "edit", "reject", "claim")}
    assert any("takes the role reviewer" in text.value for text in page.markdown)


def test_claiming_shows_whose_it_is_and_keeps_the_others_from_deciding(
    running: Services, open_page: Callable[..., Any], asked: Callable[..., Approval], reviewer: Actor
) -> None:
    waiting = asked()
    page = open_page("approvals")
    page.button(f"claim_{waiting.id}").click().run()
    assert running.approvals.get(waiting.id).claimed_by == "local user"
    page.button(f"release_{waiting.id}").click().run()
    assert running.approvals.get(waiting.id).claimed_by is None
    running.approvals.claim(waiting.id, actor=reviewer)
    page.run()
    assert f"approve_{waiting.id}" not in {button.key for button in page.button}
    assert any("rita is on it until" in text.value for text in page.markdown)


def test_an_open_page_renews_the_claim_of_its_reader_only(
    running: Services, open_page: Callable[..., Any], asked: Callable[..., Approval], reviewer: Actor
) -> None:
    waiting = asked()
    soon = utc_now() + timedelta(minutes=2)
    for name, is_renewed in (("local user", True), (reviewer.name, False)):
        with running.records.begin() as tx:
            tx.approvals.update(waiting.id, status=ApprovalStatus.CLAIMED, claimed_by=name, claimed_until=soon)
        open_page("approvals", approval=waiting.id)
        until = running.approvals.get(waiting.id).claimed_until
        assert until is not None
        assert (until > soon) is is_renewed


def test_a_decision_made_elsewhere_is_told(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], asked: Callable[..., Approval],
    reviewer: Actor,
) -> None:  # fmt: skip
    waiting = asked()
    page = open_page("approvals", approval=waiting.id)
    reason = "too late ![x](http://127.0.0.1:9/x.png) :red[**now**]"
    running.approvals.reject(waiting.id, actor=reviewer, reason=reason, code=RejectCode.AGAINST_POLICY)
    page.button(f"approve_{waiting.id}").click().run()
    [error] = page.error
    assert plain(reason) in error.value
    assert "already rejected by rita at " in error.value
    assert f"approve_{waiting.id}" not in {button.key for button in page.button}
    assert any("Rejected by rita" in text.value for text in page.markdown)
    settle(running.runs.get(waiting.run_id))


def test_an_edit_that_the_tool_refuses_is_said_by_the_field_and_stays_typed(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], asked: Callable[..., Approval]
) -> None:
    waiting = asked("All our data is gone after the update, every project is empty", "ops@granite.example")
    page = open_page("approvals")
    page.button(f"edit_{waiting.id}").click().run()
    long = "x" * 300
    page.text_input(f"edit_{waiting.id}_title").set_value(long)
    page.button(f"edited_{waiting.id}").click().run()
    assert any("has more than 200 characters" in text.value for text in page.markdown)
    assert page.text_input(f"edit_{waiting.id}_title").value == long
    assert running.approvals.get(waiting.id).status.is_open
    page.text_input(f"edit_{waiting.id}_title").set_value("Projects empty")
    page.button(f"edited_{waiting.id}").click().run()
    assert not page.exception
    decided = running.approvals.get(waiting.id)
    assert decided.status is ApprovalStatus.EDITED
    assert decided.decided_arguments == {**waiting.arguments, "title": "Projects empty"}
    run = settle(running.runs.get(waiting.run_id))
    assert [ticket.title for ticket in running.runs.tickets(run.id)] == ["Projects empty"]


def test_several_are_approved_after_saying_what_will_happen_and_each_outcome_is_told(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], asked: Callable[..., Approval],
    reviewer: Actor,
) -> None:  # fmt: skip
    free = asked("All our data is gone, every project is empty", "ops@granite.example")
    taken = asked()
    running.approvals.claim(taken.id, actor=reviewer)
    page = open_page("approvals")
    page.button("approval_pick_all").click().run()
    page.button("approve_several").click().run()
    told = [text.value for text in page.markdown]
    assert any("These happen" in text for text in told)
    assert any("rita is on it until" in text and "Refund" in text for text in told)
    next(button for button in page.button if button.label == "Approve 1").click().run()
    assert not page.exception
    assert any("1 done" in text.value for text in page.markdown)
    assert running.approvals.get(free.id).status is ApprovalStatus.APPROVED
    assert running.approvals.get(taken.id).status is ApprovalStatus.CLAIMED
    settle(running.runs.get(free.run_id))


def test_two_people_have_to_agree_and_the_first_reads_that_a_second_has_to(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], asked: Callable[..., Approval]
) -> None:
    waiting = asked()
    with running.records.begin() as tx:
        tx.approvals.update(waiting.id, mode=Mode.TWO_PEOPLE)
    page = open_page("approvals")
    page.session_state[NAME_KEY] = "sam"
    page.run()
    assert page.button(f"approve_{waiting.id}").label == "Approve, 1 of 2"
    page.button(f"approve_{waiting.id}").click().run()
    assert running.approvals.get(waiting.id).endorsed_by == "sam"
    assert any("You have agreed already" in text.value for text in page.markdown)
    page.session_state[NAME_KEY] = "kim"
    page.run()
    assert any("**1 of 2**: approved by sam" in text.value for text in page.markdown)
    page.button(f"approve_{waiting.id}").click().run()
    assert settle(running.runs.get(waiting.run_id)).status is RunStatus.COMPLETED


def test_an_unknown_outcome_has_its_lane_and_is_settled_with_a_note(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], asked: Callable[..., Approval],
    reviewer: Actor,
) -> None:  # fmt: skip
    waiting = asked()
    running.approvals.approve(waiting.id, actor=reviewer)
    settle(running.runs.get(waiting.run_id))
    with running.records.begin() as tx:
        tx.approvals.update(waiting.id, execution=ExecutionStatus.UNKNOWN)
    page = open_page("approvals", lane="unknown")
    page.button("happened").click().run()
    page.text_area[0].set_value("Seen in the payment system.")
    next(button for button in page.button if button.label == "It happened" and button.key != "happened").click().run()
    assert not page.exception
    assert running.approvals.get(waiting.id).execution is ExecutionStatus.SUCCEEDED
    page = open_page("approvals", lane="decided")
    page.button("reverse").click().run()
    page.text_area[0].set_value("The customer keeps the hub.")
    next(
        button for button in page.button if button.label == "Mark as reversed" and button.key != "reverse"
    ).click().run()
    assert not page.exception
    assert running.approvals.get(waiting.id).reversed_by == "local user"


def test_a_link_to_nothing_says_so(open_page: Callable[..., Any]) -> None:
    page = open_page("approvals", approval="apr_none")
    assert "no action with this id" in page.warning[0].value


def test_what_another_version_paused_is_offered_to_be_run_again(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], asked: Callable[..., Approval]
) -> None:
    waiting = asked()
    with running.records.begin() as tx:
        stored = tx.states.get(waiting.run_id, 0)
        tx.states.put(stored.model_copy(update={"sdk_version": "0.1.0"}))
    page = open_page("approvals")
    assert any("1 waiting run cannot go on after an upgrade" in box.label for box in page.expander)
    page.button(f"again_{waiting.run_id}").click().run()
    assert not page.exception
    assert running.approvals.get(waiting.id).status is ApprovalStatus.CANCELLED
    again = next(run for run in running.runs.list(limit=5) if run.retry_of == waiting.run_id)
    assert settle(again).status is RunStatus.AWAITING_APPROVAL
