from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pages.components.approval_list import after_decision, headline, neighbour
from pages.components.brief import argument_rows, what_will_happen
from pages.components.text import plain
from triage.customers import refund_checks
from triage.domain import Actor, Approval, ApprovalStatus, Order, OrderStatus, Refund, Role, Run, RunStatus
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


def test_after_a_decision_comes_the_next_open_action_and_at_the_end_the_one_before() -> None:
    listed = [approval("a"), approval("b", status=ApprovalStatus.REJECTED), approval("c"), approval("d")]
    assert after_decision(listed, "a") == "c"
    assert after_decision(listed, "d") == "c"
    assert after_decision(listed[:1], "a") is None
    assert after_decision(listed, "elsewhere") == "a"


def test_next_and_previous_stop_at_the_ends() -> None:
    listed = [approval("a"), approval("b")]
    assert [neighbour(listed, "a", by=by) for by in (1, -1)] == ["b", "a"]
    assert neighbour(listed, "b", by=1) == "b"
    assert neighbour(listed, "gone", by=1) == "a"
    assert neighbour([], "a", by=1) is None


def test_a_refund_is_said_with_its_money_and_its_receiver() -> None:
    assert what_will_happen(approval(), [order()]).replace("\u2060", "").replace("\\", "") == (
        "**$69.98** goes back to **alice@example.com** for order **2**, USB-C Hub."
    )
    assert ("Amount", "$69.98") in argument_rows(approval(), [order()])


def test_an_order_of_nobody_gives_no_amount() -> None:
    rows = dict(argument_rows(approval(arguments={"order_id": "99", "reason": "x"}), [order()]))
    assert rows["Amount"].startswith("unknown")


def test_what_a_model_wrote_cannot_become_markup() -> None:
    nasty = approval(
        tool="create_support_ticket", arguments={"priority": "**[x](http://evil.example)**", "title": ":red[boo] $x$"}
    )
    assert "[x](http" not in what_will_happen(nasty, [])
    assert headline(approval(tool="unheard_of", summary="Call unheard_of")) == "Call unheard_of"


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


def test_nothing_waits(open_page: Callable[..., Any]) -> None:
    page = open_page("approvals")
    assert not page.exception
    assert "Nothing waits" in page.success[0].value


def test_approving_in_the_page_lets_the_run_finish(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], operator: Actor
) -> None:
    run = settle(running.runs.submit(RETURN, actor=operator, customer_email="alice@example.com"))
    assert run.status is RunStatus.AWAITING_APPROVAL
    page = open_page("approvals")
    assert not page.exception
    assert any("goes back to" in text.value for text in page.markdown)
    page.button("approve").click().run()
    assert not page.exception
    assert settle(run).status is RunStatus.COMPLETED
    assert running.approvals.list_of_run(run.id)[0].status is ApprovalStatus.APPROVED


def test_an_operator_reads_why_they_cannot_decide(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], operator: Actor
) -> None:
    settle(running.runs.submit(RETURN, actor=operator, customer_email="alice@example.com"))
    page = open_page("approvals", role=Role.OPERATOR)
    assert page.button("approve").disabled
    assert page.button("reject").disabled
    assert "needs the role reviewer" in page.info[0].value


def test_a_decision_made_elsewhere_is_told(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], operator: Actor, reviewer: Actor
) -> None:
    run = settle(running.runs.submit(RETURN, actor=operator, customer_email="alice@example.com"))
    waiting = running.approvals.list_of_run(run.id)[0]
    page = open_page("approvals", approval=waiting.id)
    reason = "too late ![x](http://127.0.0.1:9/x.png) :red[**now**]"
    running.approvals.reject(waiting.id, actor=reviewer, reason=reason)
    page.button("approve").click().run()
    said = f"This action was already rejected by rita: {reason}."
    assert [error.value for error in page.error] == [plain(said)]
    assert page.button("approve").disabled
    assert any("Rejected by rita" in text.value for text in page.markdown)
    settle(run)
