"""A whole desk with its sender: what waits and what was decided arrives, and a switch stops what was approved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notices.receiver import KIM, LOCAL, Receiver
from triage.domain import Actor, Approval, Role, RunStatus
from triage.services import Services, open_services
from triage.settings import Settings

RITA = Actor(name="Rita", role=Role.MANAGER)
MESSAGE = "All our data is gone, every project is empty. Zoe Quill"


@pytest.fixture
def desk(settings: Settings, unpaced: None, started_once: Path) -> Iterator[Services]:
    opened = open_services(settings.model_copy(update={"webhook_allow": [LOCAL]}), kind="test")
    yield opened
    opened.close()


def submit_and_wait(desk: Services) -> Approval:
    """Submit a message whose ticket has to be approved, and return the approval."""
    run = desk.runs.submit(MESSAGE, actor=Actor(name="olga"), customer_email="ops@granite.example")
    _wait_for(desk, run.id, RunStatus.AWAITING_APPROVAL)
    (approval,) = desk.approvals.list_of_run(run.id)
    return approval


def _wait_for(desk: Services, run_id: str, status: RunStatus) -> None:
    deadline = time.monotonic() + 30
    while (now := desk.runs.get(run_id).status) is not status:
        assert time.monotonic() < deadline, f"the run is still {now}"
        time.sleep(0.02)


def test_what_waits_and_what_was_decided_arrives(desk: Services, receiver: Receiver) -> None:
    desk.webhooks.add(receiver.url, actor=KIM)
    approval = submit_and_wait(desk)
    receiver.wait_for(1)
    desk.approvals.reject(approval.id, actor=RITA, reason="Zoe Quill has a ticket")
    new, decided = receiver.wait_for(2)
    assert (new.json["topic"], new.json["approval"]["status"]) == ("approval.new", "pending")
    assert (decided.json["topic"], decided.json["approval"]["by"]) == ("approval.decided", "Rita")
    assert {got.json["approval"]["id"] for got in (new, decided)} == {approval.id}
    assert b"has a ticket" not in decided.body


def test_what_was_approved_is_not_done_while_its_tool_is_paused(desk: Services) -> None:
    approval = submit_and_wait(desk)
    desk.switches.set(f"tool:{approval.tool}", actor=KIM, reason="Tickets come twice")
    desk.approvals.approve(approval.id, actor=RITA)
    _wait_for(desk, approval.run_id, RunStatus.COMPLETED)
    with desk.records.read() as tx:
        assert tx.tickets.list_of_run(approval.run_id) == []
    told = " ".join(str(event.payload) for event in desk.runs.events(approval.run_id))
    assert f"{approval.tool} is paused by Kim" in told


def test_every_switch_that_is_offered_is_one_that_can_be_set(desk: Services) -> None:
    assert desk.team is not None
    from triage.approvals.switches import switch_names

    for name in switch_names(desk.team.describe()):
        desk.switches.set(name, actor=KIM, reason="r")
    assert len(desk.switches.current().switches) == 14
