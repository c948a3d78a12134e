"""What a run that was stopped, or went ahead by a rule, says of its actions: done, not begun, or not known."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from agents.testing import function_call

from storage.records import Records
from tests.approvals.conftest import ALICE
from tests.approvals.stage import Policy, Stage, alone, ends, open_stage, pays
from triage.domain import (
    Actor,
    ApprovalStatus,
    EventKind,
    ExecutionStatus,
    Mode,
    NewEvent,
    Order,
    Role,
    Run,
    RunStatus,
    Ticket,
    utc_now,
)
from triage.runs.records import SegmentStart
from triage.team.calls import Outcome, ToolCall, run_call
from triage.team.tools.building import desk_tool

__all__ = ["open_stage"]
ADMIN = Actor(name="ada", role=Role.ADMIN)


def _ticket(stage: Stage, run: Run) -> None:
    ticket = Ticket(
        id="T-1", run_id=run.id, call_id="a", conversation_id=run.conversation_id, title="T", description="D",
        priority="low", category="billing", created_by="Payer", created_at=utc_now(),
    )  # fmt: skip
    with stage.records.begin() as tx:
        tx.tickets.add(ticket)


def _refused(stage: Stage, run: Run) -> None:
    event = NewEvent(key="tool:a:failed", kind=EventKind.TOOL_FAILED, at=utc_now(), payload={"call_id": "a"})
    with stage.records.begin() as tx:
        tx.events.append(run.id, [event])


def _ended(call_id: str, **record: Any) -> Callable[[Stage, Run], None]:
    kept = {"call_id": call_id, **record}
    return lambda stage, run: stage.run_records.keep(run.id, 1, "tool:pay_out#0", kept)


@pytest.mark.parametrize(
    ("left", "execution"),
    [
        (lambda stage, run: None, ExecutionStatus.NOT_STARTED),
        (lambda stage, run: stage.run_records.keep(run.id, 1, "tool:pay_out#0 begun", None), ExecutionStatus.UNKNOWN),
        (_ended("a", error="No."), ExecutionStatus.FAILED),
        (_ended("a", error="Who knows.", error_kind="outcome_unknown"), ExecutionStatus.UNKNOWN),
        (_ended("a", outcome={"output": "paid", "summary": "paid"}), ExecutionStatus.SUCCEEDED),
        (_ended("another", error="No."), ExecutionStatus.NOT_STARTED),
        (_refused, ExecutionStatus.FAILED),
        (_ticket, ExecutionStatus.SUCCEEDED),
    ],
)
async def test_a_run_that_is_cancelled_after_a_kill_says_what_became_of_its_actions(
    stage: Stage, left: Callable[[Stage, Run], None], execution: ExecutionStatus
) -> None:
    alone(stage, pays(a="10.00"))
    run = await stage.start()
    stage.decide(stage.asked(run)["a"], "approve")
    # What a kill leaves behind: a segment that began, and what its action had done by then.
    stage.run_records.start_segment(run.id, 1)
    left(stage, run)
    stage.runs.cancel(run.id, actor=ADMIN)
    assert stage.asked(run)["a"].execution is ExecutionStatus.EXECUTING
    run = await stage.go_on(run)
    assert run.status is RunStatus.CANCELLED
    assert stage.done == []
    assert stage.asked(run)["a"].execution is execution
    with stage.records.read() as tx:
        assert tx.steps.load(run.id, 1) == {}


async def test_a_run_that_is_cancelled_when_it_goes_on_has_not_begun_its_actions(stage: Stage) -> None:
    alone(stage, pays(a="10.00", b="20.00"))
    run = await stage.start()
    for approval in stage.asked(run).values():
        stage.decide(approval, "approve")
    begin = stage.run_records.start_segment

    def cancelled_at_once(run_id: str, segment: int) -> SegmentStart:
        started = begin(run_id, segment)
        stage.runs.cancel(run_id, actor=ADMIN)
        stage.segments.stop(run_id)
        return started

    stage.run_records.start_segment = cancelled_at_once  # type: ignore[method-assign]
    run = await stage.go_on(run)
    assert (run.status, stage.done) == (RunStatus.CANCELLED, [])
    assert [item.execution for item in stage.asked(run).values()] == [ExecutionStatus.NOT_STARTED] * 2


async def test_a_run_that_is_cancelled_between_two_actions_says_which_was_done(stage: Stage) -> None:
    calls: list[str] = []

    async def pay_out(call: ToolCall, amount: str) -> str:
        """Pay out an amount.

        Args:
            amount: The amount.
        """

        def work() -> Outcome:
            calls.append(amount)
            stage.runs.cancel(call.context.run_id, actor=ADMIN)
            stage.segments.stop(call.context.run_id)
            return Outcome(output="paid", summary="paid")

        return await run_call(call, work)

    stage.model.extend([pays(a="10.00", b="20.00"), ends()])
    stage.open(stage.agent("Payer", tools=[desk_tool(pay_out, gate=stage.gate, asks=True)]))
    run = await stage.start()
    for approval in stage.asked(run).values():
        stage.decide(approval, "approve")
    run = await stage.go_on(run)
    assert (run.status, calls) == (RunStatus.CANCELLED, ["10.00"])
    assert {call_id: item.execution for call_id, item in stage.asked(run).items()} == {
        "a": ExecutionStatus.SUCCEEDED, "b": ExecutionStatus.NOT_STARTED,
    }  # fmt: skip


LIMITED = (
    "rules:\n  - name: pay\n    tool: any\n    decide: auto\n    because: Small.\nlimits:\n  customer: {per_day: 50}\n"
)


@pytest.mark.parametrize("is_one_turn", [True, False])
async def test_what_one_run_lets_pass_stays_within_the_limit_of_the_customer(
    records: Records, is_one_turn: bool
) -> None:
    stage = Stage(records, policy=Policy(LIMITED))

    async def give_back(call: ToolCall, order_id: str) -> str:
        """Give money back.

        Args:
            order_id: The order.
        """
        return await run_call(call, lambda: Outcome(output="paid", summary="paid"))

    with records.begin() as tx:
        for name in ("o1", "o2"):
            tx.orders.add(
                Order(
                    id=name, customer_email=ALICE, product="Hub", quantity=1, total_usd=Decimal(40),
                    status="delivered", created_at=utc_now(),
                )
            )  # fmt: skip
    first, second = (function_call("give_back", {"order_id": f"o{number}"}, call_id=f"c{number}") for number in (1, 2))
    stage.model.extend([[first, second], ends()] if is_one_turn else [[first], [second], ends()])
    stage.open(stage.agent("Payer", tools=[desk_tool(give_back, gate=stage.gate, asks=True)]))
    run = await stage.start()
    asked = stage.asked(run)
    assert (asked["c1"].mode, asked["c1"].execution) == (Mode.AUTO, ExecutionStatus.SUCCEEDED)
    assert (asked["c2"].mode, asked["c2"].status) == (Mode.APPROVAL, ApprovalStatus.PENDING)
    stage.decide(asked["c2"], "reject")
    run = await stage.go_on(run)
    assert {name: item.execution for name, item in stage.asked(run).items()} == {
        "c1": ExecutionStatus.SUCCEEDED, "c2": ExecutionStatus.NOT_STARTED,
    }  # fmt: skip
    stage.close()


async def test_what_a_rule_let_pass_is_kept_where_its_run_is_cancelled_later(records: Records) -> None:
    stage = Stage(records, policy=Policy(LIMITED))
    let_pass = stage.gate.verdict

    async def cancelled_before_the_second(scope: Any, **asked: Any) -> Any:
        if asked["call_id"] == "b":
            stage.runs.cancel(scope.run_id, actor=ADMIN)
            stage.segments.stop(scope.run_id)
        return await let_pass(scope, **asked)

    stage.gate.verdict = cancelled_before_the_second  # type: ignore[method-assign]
    alone(stage, pays(a="10.00"), pays(b="20.00"), ends())
    run = await stage.start()
    assert run.status is RunStatus.CANCELLED
    kept = stage.asked(run)
    assert [call_id for call_id, _ in stage.done] == ["a"]
    assert {call_id: item.execution for call_id, item in kept.items()} == {"a": ExecutionStatus.SUCCEEDED}
    stage.close()
