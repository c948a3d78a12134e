"""What waits and was paused by another build is found before anybody decides on it, and can be run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage.records.schema import run_states
from tests.runs.conftest import settled
from triage.approvals.resumable import NO_STATE, ResumableService
from triage.cli.doctor import run_checks
from triage.domain import Actor, ApprovalStatus, AuditFilter, Role, Run, RunStatus
from triage.errors import Conflict
from triage.runs.state import SDK_VERSION
from triage.services import Services, open_services
from triage.settings import Settings

RETURN = "I want to return order 2, the hub stopped working"
MANAGER = Actor(name="max", role=Role.MANAGER)


@pytest.fixture
def services(settings: Settings, unpaced: None, started_once: Path) -> Iterator[Services]:
    running = open_services(settings, kind="test")
    yield running
    running.close()


@pytest.fixture
def waiting(services: Services, operator: Actor) -> Run:
    run = settled(services, services.runs.submit(RETURN, actor=operator, customer_email="alice@example.com"))
    assert run.status is RunStatus.AWAITING_APPROVAL
    return run


def service(services: Services) -> ResumableService:
    assert services.resumable is not None
    return services.resumable


def stamp(services: Services, run: Run, **columns: Any) -> None:
    with services.records.engine.begin() as connection:
        connection.execute(sa.update(run_states).where(run_states.c.run_id == run.id).values(**columns))


def test_what_this_build_paused_it_can_go_on_with(services: Services, waiting: Run, operator: Actor) -> None:
    assert service(services).list() == []
    assert service(services).check_all() == []
    assert service(services).count() == 0
    with pytest.raises(Conflict, match="Decide on its actions"):
        service(services).run_again(waiting.id, actor=operator)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"sdk_version": "0.23.1"}, f"paused by openai-agents 0.23.1, this is {SDK_VERSION}"),
        ({"schema_version": "0.9"}, "paused with state schema 0.9"),
        ({"tools_fingerprint": "0" * 32}, "tools or instructions of the team changed"),
    ],
)
def test_what_another_build_paused_is_listed_and_run_again(
    services: Services, waiting: Run, operator: Actor, columns: dict[str, str], says: str
) -> None:
    stamp(services, waiting, **columns)
    (found,) = service(services).list()
    assert (found.run.id, [item.status for item in found.approvals]) == (waiting.id, [ApprovalStatus.PENDING])
    assert says in found.reason
    assert service(services).count() == 1

    again = service(services).run_again(waiting.id, actor=operator)
    assert (again.retry_of, again.message) == (waiting.id, RETURN)
    assert services.runs.get(waiting.id).status is RunStatus.CANCELLED
    assert [item.status for item in services.approvals.list_of_run(waiting.id)] == [ApprovalStatus.CANCELLED]
    assert settled(services, again).status is RunStatus.AWAITING_APPROVAL
    assert service(services).list() == []
    (entry,) = services.audit.list(AuditFilter(actions=("run.restarted",)), actor=MANAGER)
    assert (entry.actor, entry.subject_id) == (operator.name, waiting.id)
    assert entry.after is not None
    assert entry.after["new_run"] == again.id
    assert services.audit.verify(actor=MANAGER).is_unbroken


def test_it_is_run_again_once(services: Services, waiting: Run, operator: Actor) -> None:
    stamp(services, waiting, sdk_version="0.23.1")
    service(services).run_again(waiting.id, actor=operator)
    with pytest.raises(Conflict, match="cancelled by now"):
        service(services).run_again(waiting.id, actor=operator)
    assert len(services.runs.runs_of_conversation(waiting.conversation_id)) == 2


def test_a_run_that_cannot_be_queued_again_is_not_ended(
    services: Services, waiting: Run, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    stamp(services, waiting, sdk_version="0.23.1")
    monkeypatch.setattr("triage.approvals.resumable.run_again", fail)
    with pytest.raises(RuntimeError):
        service(services).run_again(waiting.id, actor=operator)
    assert services.runs.get(waiting.id).status is RunStatus.AWAITING_APPROVAL
    assert services.approvals.count_open() == 1


def _forget(services: Services, run: Run) -> None:
    with services.records.engine.begin() as connection:
        connection.execute(sa.delete(run_states).where(run_states.c.run_id == run.id))


def _alter(services: Services, run: Run) -> None:
    stamp(services, run, signature="0" * 64)


@pytest.mark.parametrize(("harm", "says"), [(_forget, NO_STATE), (_alter, "does not match its signature")])
def test_doctor_also_finds_what_is_missing_or_altered(
    services: Services, waiting: Run, harm: Callable[[Services, Run], None], says: str
) -> None:
    harm(services, waiting)
    (found,) = service(services).check_all()
    assert says in found.reason


def test_doctor_names_the_items_and_why(services: Services, waiting: Run, operator: Actor) -> None:
    [check] = [check for check in run_checks() if check.name == "waiting items"]
    assert (check.is_ok, check.message) == (True, "1 item waits for a decision; this build can go on with all.")
    other = settled(services, services.runs.submit(RETURN, actor=operator, customer_email="alice@example.com"))
    stamp(services, waiting, sdk_version="0.23.1")
    stamp(services, other, tools_fingerprint="other")
    [check] = [check for check in run_checks() if check.name == "waiting items"]
    assert not check.is_ok
    assert check.message.startswith("2 waiting items were made by another build")
    assert f"{waiting.id}: This run was paused by openai-agents 0.23.1" in check.message
    assert f"{other.id}: The tools or instructions" in check.message
