"""Who may set switches, what they refuse, and that every change is in the audit log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from storage.records import Records, open_engine
from tests.migrated import migrated
from tests.statements import asked_of
from triage.approvals.switches import SwitchBoard, SwitchService, switch_names
from triage.domain import Actor, AuditEntry, Role, Switch
from triage.errors import InvalidInput, NotAllowed

KIM = Actor(name="Kim", role=Role.ADMIN)
LEE = Actor(name="Lee", role=Role.ADMIN)
KNOWN = ["tool:process_refund", "agent:Billing specialist"]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(open_engine(migrated(tmp_path / "triage.db")))
    yield opened
    opened.close()


@pytest.fixture
def service(records: Records) -> SwitchService:
    return SwitchService(records=records, known=lambda: KNOWN)


def audit(records: Records) -> list[AuditEntry]:
    with records.read() as tx:
        return tx.audit.list()


def board(*names: str) -> SwitchBoard:
    at = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
    return SwitchBoard(
        switches=tuple(Switch(name=each, reason="Paid twice", set_by="Kim", set_at=at) for each in names)
    )


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER, Role.MANAGER])
def test_only_administrators_set_and_clear_and_everybody_reads(
    service: SwitchService, records: Records, role: Role
) -> None:
    other = Actor(name="Max", role=role)
    with pytest.raises(NotAllowed, match="role admin"):
        service.set("writes", actor=other, reason="r")
    service.set("writes", actor=KIM, reason="r")
    with pytest.raises(NotAllowed, match="role admin"):
        service.clear("writes", actor=other)
    assert [switch.name for switch in service.current().switches] == ["writes"]
    assert len(audit(records)) == 1


def test_a_switch_works_from_its_commit_on_in_every_process(service: SwitchService, records: Records) -> None:
    other_process = Records(open_engine(str(records.engine.url)))
    elsewhere = SwitchService(records=other_process)
    assert elsewhere.current().refusal(tool="process_refund") is None
    service.set("tool:process_refund", actor=KIM, reason="Paid twice")
    assert elsewhere.current().refusal(tool="process_refund") is not None
    service.clear("tool:process_refund", actor=KIM)
    assert elsewhere.current().refusal(tool="process_refund") is None
    other_process.close()


def test_setting_and_clearing_again_changes_nothing(service: SwitchService, records: Records) -> None:
    first = service.set("writes", actor=KIM, reason="Paid twice")
    assert service.set("writes", actor=LEE, reason=" Paid\n twice ") == first
    service.clear("writes", actor=KIM)
    service.clear("writes", actor=KIM)
    assert [entry.action for entry in audit(records)] == ["switch.set", "switch.cleared"]


def test_another_reason_replaces_the_old_one_and_keeps_since_when(service: SwitchService, records: Records) -> None:
    first = service.set("writes", actor=KIM, reason="Paid twice")
    second = service.set("writes", actor=LEE, reason="Bank is down")
    assert (second.set_by, second.reason, second.set_at) == ("Lee", "Bank is down", first.set_at)
    entry = audit(records)[-1]
    assert (entry.actor, entry.subject_kind, entry.subject_id) == ("Lee", "switch", "writes")
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["reason"], entry.after["reason"]) == ("Paid twice", "Bank is down")


def test_two_who_set_the_same_at_once_make_one_change(service: SwitchService, records: Records) -> None:
    threads = [
        threading.Thread(target=service.set, args=("writes",), kwargs={"actor": who, "reason": "r"})
        for who in (KIM, LEE, KIM, LEE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(audit(records)) == 1


@pytest.mark.parametrize(
    "name", ["", "tool", "tool:", "tool: ", "reads", "tool:other", "agent:process_refund", "tool:" + "x" * 200]
)
def test_there_is_no_such_switch(service: SwitchService, name: str) -> None:
    with pytest.raises(InvalidInput):
        service.set(name, actor=KIM, reason="r")


def test_where_no_team_is_known_every_name_is_taken(records: Records) -> None:
    assert SwitchService(records=records).set("tool:other", actor=KIM, reason="r").tool == "other"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_a_switch_needs_a_short_reason(service: SwitchService, reason: str) -> None:
    with pytest.raises(InvalidInput):
        service.set("writes", actor=KIM, reason=reason)


def test_asking_is_one_query(service: SwitchService, records: Records) -> None:
    service.set("writes", actor=KIM, reason="r")
    with asked_of(records) as asked:
        service.current()
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("names", "call", "begins"),
    [
        ((), {"tool": "process_refund", "agent": "Billing specialist", "writes": True}, None),
        (("tool:process_refund",), {"tool": "process_refund"}, "process_refund is paused by Kim since 21 Nov 10:02"),
        (("tool:process_refund",), {"tool": "find_orders", "writes": True}, None),
        (("agent:Orders specialist",), {"agent": "Orders specialist"}, "The agent Orders specialist is paused by Kim"),
        (("agent:Orders specialist",), {"tool": "find_orders", "agent": "Orders specialist"}, "The agent Orders"),
        (("agent:Orders specialist",), {"tool": "find_orders", "agent": "Triage agent"}, None),
        (("writes",), {"tool": "process_refund", "writes": True}, "Everything that changes something is paused by Kim"),
        (("writes",), {"tool": "find_orders", "writes": False}, None),
        (("writes",), {"agent": "Orders specialist"}, None),
        (("everything_needs_approval",), {"tool": "process_refund", "writes": True}, None),
    ],
)  # fmt: skip
def test_what_a_board_refuses(names: tuple[str, ...], call: dict[str, object], begins: str | None) -> None:
    refusal = board(*names).refusal(**call)  # type: ignore[arg-type]
    assert (refusal or "").startswith(begins or "")
    assert (refusal is None) == (begins is None)


def test_a_refusal_says_why_what_to_do_and_what_to_keep_inside() -> None:
    refusal = board("tool:process_refund").refusal(tool="process_refund", writes=True)
    assert refusal == (
        "process_refund is paused by Kim since 21 Nov 10:02 UTC (Paid twice). Do not call process_refund again: set "
        "requires_human and tell the customer that a person will do it. Who paused it and why is for the team only, "
        "not for the customer."
    )


def test_everything_needs_approval_is_its_own_question() -> None:
    assert board("everything_needs_approval").everything_needs_approval
    assert not board("writes").everything_needs_approval


def test_the_names_of_a_team_are_what_can_be_paused_each_once() -> None:
    refund, read = SimpleNamespace(name="refund", approval="Waits."), SimpleNamespace(name="read", approval=None)
    roles = {
        "Triage agent": "triage",
        "Orders specialist": "specialist",
        "Reply writer": "writer",
        "Check": "guardrail",
    }
    agents = [SimpleNamespace(name=name, role=role, tools=[refund, read]) for name, role in roles.items()]
    names = switch_names(SimpleNamespace(agents=agents))
    assert names == ["tool:refund", "tool:read", "agent:Triage agent", "agent:Orders specialist"]
