"""What a person does on the approvals page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1.element_tree import Block

from pages.components.context import NAME_KEY
from pages.components.text import plain
from triage.domain import (
    Actor,
    Approval,
    ApprovalStatus,
    ExecutionStatus,
    Mode,
    RejectCode,
    Role,
    Run,
    RunStatus,
    utc_now,
)
from triage.services import Services

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RETURN = "I want to return order 2, the hub stopped working"


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


@pytest.mark.parametrize(("email", "is_told"), [("Dana@Northwind.example", False), ("bob@b.example", True)])
def test_an_account_of_another_address_is_said_to_be_one(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], *, email: str, is_told: bool
) -> None:
    text = "All our data is gone after the update, every project is empty"
    run = running.runs.submit(text, actor=Actor(name="olga"), customer_email=email, account_id="A-1042")
    assert settle(run).status is RunStatus.AWAITING_APPROVAL
    said = "Account A-1042 is on record with another address."
    captions = [caption.value.replace("\\", "") for caption in open_page("approvals").caption]
    assert (said in captions) is is_told


def test_the_filters_narrow_the_list_and_stand_where_no_number_moves_them(
    open_page: Callable[..., Any], asked: Callable[..., Approval]
) -> None:
    waiting = asked()
    page = open_page("approvals", urgency="Low").run()
    assert f"row_{waiting.id}" not in {button.key for button in page.button}
    assert any("1 waits without them" in text.value for text in page.caption)

    blocks = [node for node in page.main if isinstance(node, Block)]
    with_numbers = [block for block in blocks if any(child.type == "toggle" for child in block.children.values())]
    assert with_numbers
    assert not any(node.type == "popover" for block in with_numbers for node in block)


def test_an_operator_reads_why_they_cannot_decide_and_finds_no_dead_buttons(
    open_page: Callable[..., Any], asked: Callable[..., Approval]
) -> None:
    waiting = asked()
    page = open_page("approvals", role=Role.OPERATOR)
    keys = {button.key for button in page.button}
    assert not keys & {f"{name}_{waiting.id}" for name in ("approve", "edit", "reject", "claim")}
    assert any("need the role reviewer" in text.value for text in page.markdown)


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


def test_what_is_overdue_is_shown_as_escalated_and_found_by_the_managers(
    running: Services, open_page: Callable[..., Any], asked: Callable[..., Approval]
) -> None:
    waiting = asked()
    late = {"due_at": utc_now() - timedelta(minutes=1), "escalated_at": utc_now(), "escalated_to": Role.MANAGER}
    with running.records.begin() as tx:
        tx.approvals.update(waiting.id, **late)
    page = open_page("approvals", role=Role.MANAGER)
    assert any("escalated to managers just now" in text.value for text in page.markdown)
    assert any(":orange[:material/priority_high: escalated to managers]" in text.value for text in page.caption)
    assert page.toggle("escalated").label == "Escalated 1"
    page.toggle("escalated").set_value(True).run()
    assert f"row_{waiting.id}" in {button.key for button in page.button}
    with running.records.begin() as tx:
        tx.approvals.update(waiting.id, escalated_to=Role.ADMIN)
    page.run()
    assert any("Nothing with these filters" in text.value for text in page.markdown)
    keys = {toggle.key for toggle in open_page("approvals", role=Role.REVIEWER).toggle}
    assert "overdue" in keys
    assert "escalated" not in keys


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
