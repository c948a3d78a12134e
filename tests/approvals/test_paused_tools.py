"""Every tool of the team can be paused, also while a run is under way, and the model is told what to do instead."""

from __future__ import annotations

import re
from typing import Any

import pytest
from agents import Tool
from agents.testing import function_call

from storage.records import Records
from tests.approvals.conftest import RITA
from tests.approvals.stage import Stage, ends, outputs, pays
from tests.runs.conftest import services, settled
from triage.approvals.switches import SwitchService, switch_names
from triage.domain import Actor, EventKind, Role, Run, RunStatus
from triage.services import Services
from triage.team.calls import Outcome, ToolCall, run_call
from triage.team.tools.building import desk_tool

__all__ = ["services"]

ADA = Actor(name="Ada", role=Role.ADMIN)
OLGA = Actor(name="olga")
BROKEN = "The index is broken."
TRACK = "Where is my order 1? Please give me the tracking number."
RETURN = "I want to return order 2, the hub stopped working"


def reading_tool(stage: Stage) -> Tool:
    """Build a tool that only looks something up."""

    async def look_up(call: ToolCall, what: str) -> str:
        """Look something up.

        Args:
            what: What to look up.
        """

        def work() -> Outcome:
            stage.done.append((call.tool_call_id, {"what": what}))
            return Outcome(output="It is on the shelf.", summary="found")

        return await run_call(call, work)

    return desk_tool(look_up, gate=stage.gate)


def looks(call_id: str) -> list[Any]:
    return [function_call("look_up", {"what": "it"}, call_id=call_id)]


@pytest.fixture
def switches(records: Records) -> SwitchService:
    return SwitchService(records=records)


@pytest.fixture
def stage(records: Records, switches: SwitchService) -> Stage:
    return Stage(records, switches=switches)


async def test_a_reading_tool_that_is_paused_while_a_run_waits_does_not_work_afterwards(
    stage: Stage, switches: SwitchService
) -> None:
    stage.model.extend([looks("first"), pays(pay="10.00"), looks("second"), ends()])
    stage.open(stage.agent("Payer", tools=[stage.pay(), reading_tool(stage)]))
    run = await stage.start()
    assert run.status is RunStatus.AWAITING_APPROVAL
    switches.set("tool:look_up", actor=ADA, reason=BROKEN)
    stage.approvals.approve(stage.asked(run)["pay"].id, actor=RITA)
    run = await stage.go_on(run)
    assert [call_id for call_id, _ in stage.done] == ["first", "pay"]
    told = outputs(stage.model)
    assert told["first"] == "It is on the shelf."
    assert told["second"].startswith("look_up is paused by Ada since")
    assert "go on without it" in told["second"]
    assert BROKEN in told["second"]
    assert run.status is RunStatus.COMPLETED
    assert run.result is not None
    assert run.result.requires_human, "The model said that nobody is needed, but a tool that it needed was paused."
    stage.close()


async def test_a_call_before_the_pause_keeps_its_answer_when_the_segment_is_worked_again(
    stage: Stage, switches: SwitchService
) -> None:
    stage.model.extend([looks("first"), ends()])
    stage.open(stage.agent("Payer", tools=[reading_tool(stage)]))
    run = stage.runs.submit("Where is it?", actor=OLGA)
    # What a kill leaves behind: the tool has worked, and its outcome is kept.
    stage.run_records.start_segment(run.id, 0)
    kept = Outcome(output="It was on the shelf.", summary="found").model_dump(mode="json")
    stage.run_records.keep(run.id, 0, "tool:look_up#0", {"outcome": kept})
    switches.set("tool:look_up", actor=ADA, reason=BROKEN)
    await stage.go_on(run)
    assert outputs(stage.model)["first"] == "It was on the shelf."
    assert stage.done == []
    stage.close()


async def test_a_refused_call_stays_refused_when_the_segment_is_worked_again(stage: Stage) -> None:
    stage.model.extend([looks("first"), looks("second"), ends()])
    stage.open(stage.agent("Payer", tools=[reading_tool(stage)]))
    run = stage.runs.submit("Where is it?", actor=OLGA)
    # What a kill leaves behind: the second call was refused, the first one went ahead, and nothing is paused any more.
    stage.run_records.start_segment(run.id, 0)
    kept = Outcome(output="It was on the shelf.", summary="found").model_dump(mode="json")
    stage.run_records.keep(run.id, 0, "tool:look_up#0", {"outcome": kept})
    stage.run_records.keep(run.id, 0, "switch:second#0", "look_up is paused.")
    await stage.go_on(run)
    assert outputs(stage.model) == {"first": "It was on the shelf.", "second": "look_up is paused."}
    assert stage.done == []
    stage.close()


async def test_writes_are_paused_and_reading_goes_on(stage: Stage, switches: SwitchService) -> None:
    switches.set("writes", actor=ADA, reason="The bank is down.")
    stage.model.extend([looks("a"), ends()])
    stage.open(stage.agent("Payer", tools=[reading_tool(stage)]))
    await stage.start()
    assert outputs(stage.model)["a"] == "It is on the shelf."
    stage.close()


def submitted(services: Services, text: str) -> Run:
    return settled(services, services.runs.submit(text, actor=OLGA, customer_email="alice@example.com"))


def refused_tools(services: Services, run: Run) -> set[str]:
    failed = [event for event in services.runs.events(run.id) if event.kind is EventKind.TOOL_FAILED]
    return {event.payload["tool"] for event in failed if event.payload["error_kind"] == "switched_off"}


@pytest.mark.usefixtures("unpaced")
def test_every_tool_of_the_team_holds_its_switch_in_a_real_run(services: Services) -> None:
    assert services.team is not None
    tools = [name for name in switch_names(services.team.describe()) if name.startswith("tool:")]
    assert len(tools) == 9
    for name in tools:
        services.switches.set(name, actor=ADA, reason=BROKEN)
    runs = [submitted(services, text) for text in (TRACK, RETURN, "My invoices are not generating. Please help.")]
    for run in runs:
        assert run.status is RunStatus.COMPLETED
        assert run.result is not None
        assert run.result.requires_human
        assert run.reply
        assert not re.search("could not find|accepted|tracking number is|paused|Ada", run.reply)
        assert "paused by Ada" in run.result.recommended_action
        worked = [event for event in services.runs.events(run.id) if event.kind is EventKind.TOOL_COMPLETED]
        assert worked == []
    assert {"search_knowledge_base", "order_details", "draft_reply"} <= set.union(
        *(refused_tools(services, run) for run in runs)
    )
    assert services.approvals.count_open() == 0


@pytest.mark.usefixtures("unpaced")
def test_a_refund_that_is_paused_after_the_approval_is_not_told_as_done(services: Services) -> None:
    run = submitted(services, RETURN)
    (approval,) = services.approvals.list_of_run(run.id)
    services.switches.set("tool:process_refund", actor=ADA, reason="Paid twice")
    services.approvals.approve(approval.id, actor=RITA)
    run = settled(services, run)
    assert run.result is not None
    assert run.result.requires_human
    assert "accepted" not in (run.reply or "")
    assert refused_tools(services, run) == {"process_refund"}
