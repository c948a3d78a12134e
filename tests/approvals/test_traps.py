"""The known traps of pausing and resuming: each ends as it was decided, or is refused, and nothing happens twice."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from agents import handoff
from agents.testing import assistant_message, function_call

from storage.records import Records
from storage.records.schema import approvals as approvals_table
from storage.records.schema import run_states
from tests.approvals.conftest import RITA, SAM
from tests.approvals.stage import KEY, Policy, Stage, alone, ends, open_stage, outputs, pays
from triage.approvals.switches import SwitchService
from triage.domain import (
    Actor,
    ApprovalStatus,
    ExecutionStatus,
    Mode,
    Role,
    Run,
    RunStatus,
)
from triage.notices import approval_subject
from triage.runs.state import sign
from triage.team.calls import Outcome, ToolCall, idempotency_key, run_call
from triage.team.tools.building import desk_tool
from triage.team.tools.teammate import teammate_tool

__all__ = ["open_stage"]
ADMIN = Actor(name="ada", role=Role.ADMIN)
DECISIONS = ("approve", "edit", "reject")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("decisions", [("approve", "edit", "reject"), ("reject", "approve", "approve")])
async def test_several_calls_decided_differently_and_in_any_order(
    stage: Stage, decisions: tuple[str, str, str], order: tuple[int, int, int]
) -> None:
    alone(stage, pays(a="10.00", b="20.00", c="30.00"), ends())
    run = await stage.start()
    assert run.status is RunStatus.AWAITING_APPROVAL
    asked = list(stage.asked(run).values())
    for number in order:
        stage.decide(asked[number], decisions[number])
    run = await stage.go_on(run)
    assert run.status is RunStatus.COMPLETED
    expected = {"approve": lambda amount: {"amount": amount}, "edit": lambda _: {"amount": "1.00"}}
    happened = [
        (call_id, expected[decision](amount))
        for call_id, amount, decision in zip("abc", ("10.00", "20.00", "30.00"), decisions, strict=True)
        if decision in expected
    ]
    assert stage.done == happened
    told = outputs(stage.model)
    for call_id, decision in zip("abc", decisions, strict=True):
        assert ("Not this one." in told[call_id]) is (decision == "reject")
        assert ("A reviewer changed the arguments" in told[call_id]) is (decision == "edit")
    executions = [stage.asked(run)[call_id].execution for call_id in "abc"]
    assert executions == [
        ExecutionStatus.NOT_STARTED if decision == "reject" else ExecutionStatus.SUCCEEDED for decision in decisions
    ]


@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_call_behind_a_handoff(stage: Stage, decision: str) -> None:
    payer = stage.agent("Payer", model=stage.other, tools=[stage.pay()])
    stage.open(stage.agent("Entry", handoffs=[handoff(payer)]), payer)
    stage.model.enqueue([function_call("transfer_to_payer", {}, call_id="h")])
    stage.other.enqueue(pays(a="10.00"))
    stage.other.enqueue(ends())
    run = await stage.start()
    [asked] = stage.asked(run).values()
    assert asked.agent == "Payer"
    stage.decide(asked, decision)
    run = await stage.go_on(run)
    assert (run.status, run.last_agent) == (RunStatus.COMPLETED, "Payer")
    assert [arguments for _, arguments in stage.done] == _amounts(decision)


@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_call_inside_an_agent_that_is_used_as_a_tool(stage: Stage, decision: str) -> None:
    inner = stage.agent("Payer", model=stage.other, tools=[stage.pay()], output_type=None)
    helper = inner.as_tool("ask_payer", "Pays.")
    stage.open(stage.agent("Entry", tools=[helper]), inner)
    stage.model.enqueue([function_call("ask_payer", {"input": "Pay 10"}, call_id="outer")])
    stage.other.enqueue(pays(a="10.00"))
    stage.other.enqueue([assistant_message("It is settled.")])
    stage.model.enqueue(ends())
    run = await stage.start()
    assert run.status is RunStatus.AWAITING_APPROVAL, run.failure
    [asked] = stage.asked(run).values()
    stage.decide(asked, decision)
    run = await stage.go_on(run)
    assert run.status is RunStatus.COMPLETED, run.failure
    assert [arguments for _, arguments in stage.done] == _amounts(decision)


def _amounts(decision: str) -> list[dict[str, str]]:
    return {"approve": [{"amount": "10.00"}], "edit": [{"amount": "1.00"}], "reject": []}[decision]


async def test_two_pauses_in_one_run_each_with_its_own_decision(stage: Stage) -> None:
    alone(stage, pays(a="10.00"), pays(b="20.00"), ends())
    run = await stage.start()
    stage.decide(stage.asked(run)["a"], "approve")
    run = await stage.go_on(run)
    assert run.status is RunStatus.AWAITING_APPROVAL
    assert stage.done == [("a", {"amount": "10.00"})]
    stage.decide(stage.asked(run)["b"], "edit")
    run = await stage.go_on(run)
    assert stage.done == [("a", {"amount": "10.00"}), ("b", {"amount": "1.00"})]


async def test_a_segment_that_is_worked_again_after_its_end_does_nothing(stage: Stage) -> None:
    alone(stage, pays(a="10.00"), ends())
    run = await stage.start()
    stage.decide(stage.asked(run)["a"], "approve")
    for _ in range(3):
        await stage.segments.run(run.id, 1)
    assert stage.done == [("a", {"amount": "10.00"})]
    stage.model.assert_complete()


def _changed(stage: Stage, run: Run, **values: Any) -> None:
    with stage.records.engine.begin() as connection:
        connection.execute(sa.update(approvals_table).where(approvals_table.c.run_id == run.id), values)


@pytest.mark.parametrize(
    "harm",
    [
        lambda stage, run: _changed(stage, run, decided_arguments={"amount": "10.01"}),
        lambda stage, run: _changed(stage, run, arguments={"amount": "10.01"}),
        lambda stage, run: _changed(stage, run, arguments_hash="0" * 64),
        lambda stage, run: _changed(stage, run, decided_arguments=None),
        lambda stage, run: _changed(stage, run, call_id="b"),
    ],
)
async def test_what_was_altered_by_one_cent_after_the_decision_does_not_happen(
    stage: Stage, harm: Callable[[Stage, Run], None]
) -> None:
    alone(stage, pays(a="10.00"), ends())
    run = await stage.start()
    stage.decide(stage.asked(run)["a"], "approve")
    harm(stage, run)
    run = await stage.go_on(run)
    assert stage.done == []
    if run.status is RunStatus.FAILED:
        assert run.failure is not None
        assert run.failure.code == "state"


def _state(stage: Stage, run: Run, **values: Any) -> None:
    with stage.records.begin() as tx:
        stored = tx.states.get(run.id, 0)
        older = stored.model_copy(update=values)
        signed = older.model_copy(update={"signature": sign(older, KEY)})
    with stage.records.engine.begin() as connection:
        connection.execute(
            sa.update(run_states).where(run_states.c.run_id == run.id), {**values, "signature": signed.signature}
        )


@pytest.mark.parametrize("values", [{"schema_version": "0.1"}, {"tools_fingerprint": "older"}, {"sdk_version": "0.1"}])
async def test_a_state_of_another_build_is_not_resumed(stage: Stage, values: dict[str, str]) -> None:
    alone(stage, pays(a="10.00"), ends())
    run = await stage.start()
    stage.decide(stage.asked(run)["a"], "approve")
    _state(stage, run, **values)
    run = await stage.go_on(run)
    assert stage.done == []
    assert run.failure is not None
    assert (run.status, run.failure.code) == (RunStatus.FAILED, "state")


async def test_two_people_have_to_agree_where_the_policy_says_so(records: Records) -> None:
    policy = Policy("rules:\n  - name: pay\n    tool: any\n    decide: two_people\n    because: Two agree on money.\n")
    stage = Stage(records, policy=policy)
    alone(stage, pays(a="10.00"), ends())
    run = await stage.start()
    [asked] = stage.asked(run).values()
    assert (asked.mode, asked.rule) == (Mode.TWO_PEOPLE, "pay")
    stage.approvals.approve(asked.id, actor=RITA)
    assert stage.runs.get(run.id).status is RunStatus.AWAITING_APPROVAL
    stage.approvals.approve(asked.id, actor=SAM)
    await stage.go_on(run)
    assert stage.done == [("a", {"amount": "10.00"})]
    stage.close()


@pytest.mark.parametrize(
    ("decide", "happened", "told"),
    [("auto", [("a", {"amount": "10.00"})], "paid 10.00"), ("deny", [], "Never by agents. Do not call it again")],
)
async def test_what_a_policy_lets_pass_or_denies_asks_nobody(
    records: Records, decide: str, happened: list[Any], told: str
) -> None:
    text = f"rules:\n  - name: pay\n    tool: any\n    decide: {decide}\n    because: Never by agents.\n"
    stage = Stage(records, policy=Policy(text))
    alone(stage, pays(a="10.00"), ends())
    run = await stage.start()
    assert run.status is RunStatus.COMPLETED
    assert stage.done == happened
    assert told in outputs(stage.model)["a"]
    kept = [(item.status, item.decided_by, item.execution) for item in stage.asked(run).values()]
    assert kept == ([(ApprovalStatus.APPROVED, "policy", ExecutionStatus.SUCCEEDED)] if decide == "auto" else [])
    stage.close()


async def test_the_answer_to_a_question_reaches_the_agent_as_it_was_written(stage: Stage) -> None:
    stage.model.extend([[function_call("ask_teammate", {"question": "Is there an outage?"}, call_id="q")], ends()])
    stage.open(stage.agent("Payer", tools=[teammate_tool(stage.gate)]))
    run = await stage.start()
    stage.approvals.answer(stage.asked(run)["q"].id, actor=RITA, text="Yes, since 9.")
    await stage.go_on(run)
    assert json.loads(outputs(stage.model)["q"]) == {"question": "Is there an outage?", "answer": "Yes, since 9."}


async def test_an_outside_system_gets_the_key_that_notices_name(stage: Stage) -> None:
    keys: list[str] = []

    async def pay_out(call: ToolCall, amount: str) -> str:
        """Pay out an amount.

        Args:
            amount: The amount.
        """
        keys.append(idempotency_key(call))
        return await run_call(call, lambda: Outcome(output=f"paid {amount}", summary="paid"))

    stage.model.extend([pays(a="10.00", b="20.00"), ends()])
    stage.open(stage.agent("Payer", tools=[desk_tool(pay_out, gate=stage.gate, asks=True)]))
    run = await stage.start()
    asked = stage.asked(run)
    stage.decide(asked["a"], "edit")
    stage.decide(asked["b"], "approve")
    run = await stage.go_on(run)
    assert len(set(keys)) == 2
    for approvals in (asked, stage.asked(run)):
        assert keys == [approval_subject(approvals[name])["idempotency_key"] for name in ("a", "b")]


async def test_a_tool_that_is_paused_after_the_decision_does_not_work(records: Records) -> None:
    switches = SwitchService(records=records)
    stage = Stage(records, switches=switches)
    alone(stage, pays(a="10.00"), ends())
    run = await stage.start()
    stage.decide(stage.asked(run)["a"], "approve")
    switches.set("writes", actor=ADMIN, reason="The bank is down.")
    run = await stage.go_on(run)
    assert stage.done == []
    assert "The bank is down." in outputs(stage.model)["a"]
    assert stage.asked(run)["a"].execution is ExecutionStatus.FAILED
    stage.close()


async def test_an_agent_that_is_paused_stops_at_its_next_turn(records: Records) -> None:
    switches = SwitchService(records=records)
    stage = Stage(records, switches=switches)
    alone(stage, pays(a="10.00"), ends())
    run = await stage.start()
    stage.decide(stage.asked(run)["a"], "approve")
    switches.set("agent:Payer", actor=ADMIN, reason="It writes nonsense.")
    run = await stage.go_on(run)
    assert run.failure is not None
    assert (run.status, run.failure.code) == (RunStatus.FAILED, "paused")
    assert "It writes nonsense." in run.failure.message
    stage.close()


async def test_with_everything_waiting_even_what_the_policy_lets_pass_waits(records: Records) -> None:
    switches = SwitchService(records=records)
    switches.set("everything_needs_approval", actor=ADMIN, reason="New model.")
    text = "rules:\n  - name: pay\n    tool: any\n    decide: auto\n    because: Small.\n"
    stage = Stage(records, policy=Policy(text), switches=switches)
    alone(stage, pays(a="10.00"), ends())
    run = await stage.start()
    assert run.status is RunStatus.AWAITING_APPROVAL
    assert stage.done == []
    stage.close()


async def test_nobody_knows_whether_an_action_happened_that_was_killed_in_the_middle(stage: Stage) -> None:
    stage.model.enqueue(pays(a="10.00"))
    stage.open(stage.agent("Payer", tools=[stage.pay(once=True)]))
    run = await stage.start()
    stage.decide(stage.asked(run)["a"], "approve")
    stage.model.enqueue(ends())
    # What a kill leaves behind: the action began, and nothing says how it ended.
    stage.run_records.start_segment(run.id, 1)
    stage.run_records.keep(run.id, 1, "tool:pay_out#0 begun", None)
    run = await stage.go_on(run)
    assert stage.done == [], "It was done again."
    assert run.status is RunStatus.COMPLETED
    assert stage.asked(run)["a"].execution is ExecutionStatus.UNKNOWN
    assert "not known whether this was done" in outputs(stage.model)["a"]
