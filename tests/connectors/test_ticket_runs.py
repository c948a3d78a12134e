"""A run that creates a ticket at the help desk: once, whatever is killed, and settled by asking where nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from agents.testing import function_call

from storage.records import Records
from tests.approvals.conftest import OLGA, RITA
from tests.approvals.stage import Stage, ends, outputs
from tests.connectors.conftest import desk_of
from tests.servers.help_desk import Fault, HelpDeskServer
from tests.team.desk import Shelf
from triage.approvals.aftermath import AftermathService
from triage.domain import Approval, EventKind, ExecutionStatus, Run, RunStatus
from triage.errors import Conflict, NotAllowed, OutsideUnavailable
from triage.stable_ids import action_key
from triage.team.tools.knowledge import knowledge_tool
from triage.team.tools.tickets import ticket_tool

STEP = "tool:create_support_ticket#0"
TICKET = {"title": "Everything is gone", "description": "Since Monday.", "priority": "high", "category": "technical"}

pytestmark = pytest.mark.usefixtures("_quiet")


@pytest.fixture
def stage(records: Records, server: HelpDeskServer) -> Iterator[Stage]:
    stage = Stage(records)
    tools = [
        knowledge_tool(Shelf(), stage.gate),
        ticket_tool(records, stage.gate, help_desk=desk_of(server)),
    ]
    stage.open(stage.agent("Technical specialist", tools=tools))
    yield stage
    stage.close()


async def decided(stage: Stage) -> tuple[Run, Approval]:
    """Work a run until its ticket is approved, and return it before the ticket is created."""
    search = function_call("search_knowledge_base", {"query": "gone", "max_results": 3}, call_id="s")
    stage.model.enqueue([search])
    stage.model.enqueue([function_call("create_support_ticket", TICKET, call_id="t")])
    run = await stage.start()
    approval = stage.asked(run)["t"]
    stage.decide(approval, "approve")
    stage.model.enqueue(ends())
    return run, approval


def kept(records: Records, run: Run) -> list[Any]:
    with records.read() as tx:
        return tx.tickets.list_of_run(run.id)


async def test_a_ticket_is_kept_here_and_there(stage: Stage, records: Records, server: HelpDeskServer) -> None:
    run, _ = await decided(stage)
    run = await stage.go_on(run)
    (ticket,) = kept(records, run)
    assert (ticket.external_id, ticket.external_url) == ("4711", "https://help.example.com/tickets/4711")
    assert list(server.tickets) == [action_key(run.id, "t")]
    assert stage.asked(run)["t"].execution is ExecutionStatus.SUCCEEDED
    assert ticket.id in outputs(stage.model)["t"]


async def test_a_refused_ticket_is_kept_nowhere_and_both_are_told(
    stage: Stage, records: Records, server: HelpDeskServer
) -> None:
    run, _ = await decided(stage)
    server.faults.append(Fault(422))
    run = await stage.go_on(run)
    assert run.status is RunStatus.COMPLETED
    assert (kept(records, run), server.tickets) == ([], {})
    assert stage.asked(run)["t"].execution is ExecutionStatus.FAILED
    with records.read() as tx:
        (told,) = [event for event in tx.events.list(run.id) if event.kind is EventKind.TOOL_FAILED]
    assert told.payload["error"] == outputs(stage.model)["t"]
    assert "No ticket was created" in told.payload["error"]


async def killed(stage: Stage) -> tuple[Run, Approval]:
    """Leave what a kill leaves between the creation at the help desk and the record of it, and go on."""
    run, approval = await decided(stage)
    stage.run_records.start_segment(run.id, 1)
    stage.run_records.keep(run.id, 1, f"{STEP} begun", None)
    return await stage.go_on(run), approval


async def test_after_a_kill_in_the_middle_it_is_not_created_again_but_looked_up(
    stage: Stage, records: Records, server: HelpDeskServer
) -> None:
    run, approval = await killed(stage)
    assert server.of("POST") == [], "It was created again."
    assert run.status is RunStatus.COMPLETED
    assert stage.asked(run)["t"].execution is ExecutionStatus.UNKNOWN
    aftermath = AftermathService(records=records, help_desk=desk_of(server))
    assert aftermath.can_ask(stage.asked(run)["t"])
    key = action_key(run.id, "t")
    server.tickets[key] = {"id": 9, "url": "javascript:alert(1)", "external_id": key}
    settled = aftermath.ask_help_desk(approval.id, actor=RITA)
    assert settled.execution is ExecutionStatus.SUCCEEDED
    (ticket,) = kept(records, run)
    assert (ticket.external_id, ticket.external_url, ticket.title) == ("9", None, TICKET["title"])
    with records.read() as tx:
        kinds = [event.kind for event in tx.events.list(run.id)]
        (entry,) = [entry for entry in tx.audit.list() if entry.action == "action.reconciled"]
    assert EventKind.TICKET_CREATED in kinds
    assert entry.actor == RITA.name
    with pytest.raises(Conflict):
        aftermath.ask_help_desk(approval.id, actor=RITA)


async def test_what_the_help_desk_never_got_is_settled_as_not_done(
    stage: Stage, records: Records, server: HelpDeskServer
) -> None:
    run, approval = await killed(stage)
    aftermath = AftermathService(records=records, help_desk=desk_of(server))
    with pytest.raises(NotAllowed):
        aftermath.ask_help_desk(approval.id, actor=OLGA)
    server.find_faults.append(Fault(503))
    with pytest.raises(OutsideUnavailable, match="does not work at the moment"):
        aftermath.ask_help_desk(approval.id, actor=RITA)
    assert stage.asked(run)["t"].execution is ExecutionStatus.UNKNOWN
    assert aftermath.ask_help_desk(approval.id, actor=RITA).execution is ExecutionStatus.FAILED
    assert kept(records, run) == []


async def test_a_ticket_that_may_be_under_way_is_unknown(
    stage: Stage, records: Records, server: HelpDeskServer
) -> None:
    run, _ = await decided(stage)
    server.faults.extend([Fault(500, keeps=True)] * 4)
    server.find_faults.append(Fault(500))
    run = await stage.go_on(run)
    assert stage.asked(run)["t"].execution is ExecutionStatus.UNKNOWN
    assert "not known whether this was done" in outputs(stage.model)["t"]


async def test_a_run_that_was_cancelled_meanwhile_does_not_call_it_undone(
    stage: Stage, records: Records, server: HelpDeskServer
) -> None:
    run, _ = await decided(stage)
    server.faults.extend([Fault(500, keeps=True)] * 4)
    server.find_faults.append(Fault(500))

    def cancel() -> None:
        stage.runs.cancel(run.id, actor=OLGA)
        stage.segments.stop(run.id)
        server.on_created = None

    server.on_created = cancel
    run = await stage.go_on(run)
    assert run.status is RunStatus.CANCELLED
    assert stage.asked(run)["t"].execution is ExecutionStatus.UNKNOWN


async def test_without_a_help_desk_nobody_can_be_asked(stage: Stage, records: Records) -> None:
    run, approval = await killed(stage)
    aftermath = AftermathService(records=records)
    assert not aftermath.can_ask(stage.asked(run)["t"])
    with pytest.raises(Conflict, match="by hand"):
        aftermath.ask_help_desk(approval.id, actor=RITA)
