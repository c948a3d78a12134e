"""Two people at the same moment: what one of them does is not done twice, and not lost between the two.

On SQLite one transaction writes at a time; on PostgreSQL the second one begins before the first has committed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from storage.records import Records
from storage.records.stores import Stores
from tests.approvals.conftest import ALICE, START, Bench
from tests.approvals.stage import Policy
from tests.runs.conftest import until
from tests.storage.at_once import at_once as all_at_once
from tests.storage.conftest import (
    _migrated_postgres,
    _postgres_server,
    any_records,
    postgres_url,
    sqlite_url,
)
from triage.domain import Actor, ExecutionStatus, Role, Run, RunStatus, Trip
from triage.errors import Conflict, NotAllowed
from triage.guardrails.release import ReleaseService
from triage.runs.service import RunService

__all__ = ["_migrated_postgres", "_postgres_server", "any_records", "postgres_url", "sqlite_url"]

RITA, SAM = (Actor(name=name, role=Role.REVIEWER) for name in ("rita", "sam"))
Act = Callable[[Bench, RunService, Actor], Any]


class Held:
    """Records whose first transaction does not end before the second has ended, or waits for the first."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.read = records.read
        self.has_written, self.other_has_ended = threading.Event(), threading.Event()

    @contextmanager
    def begin(self) -> Iterator[Stores]:
        with self._records.begin() as tx:
            yield tx
            self.has_written.set()
            until(lambda: self.other_has_ended.is_set() or self._is_waited_for(), what="what the other one did")

    def _is_waited_for(self) -> bool:
        if self._records.engine.dialect.name == "sqlite":
            return True
        with self._records.engine.connect() as connection:
            return bool(connection.scalar(sa.text("select count(*) from pg_locks where not granted")))


def at_once(records: Records, first: Act, second: Act) -> list[Exception | None]:
    """Do both at the same moment, and return what each was told."""
    held = Held(records)

    def do(act: Act, gateway: Any, actor: Actor) -> Exception | None:
        bench = Bench(gateway)
        runs = RunService(records=gateway, queue=bench.queue, event_log=None, stop=lambda _: None)
        try:
            act(bench, runs, actor)
        except Exception as error:  # noqa: BLE001 - the test says which are right
            return error
        finally:
            (held.has_written if gateway is held else held.other_has_ended).set()
        return None

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(do, first, held, RITA)
        assert held.has_written.wait(30)
        other = threads.submit(do, second, records, SAM)
        return [one.result(), other.result()]


@pytest.fixture
def bench(any_records: Records) -> Bench:
    bench = Bench(any_records)
    bench.asks(calls=2)
    return bench


def approve(number: int) -> Act:
    return lambda bench, _runs, actor: bench.approvals.approve(f"r1-a{number}", actor=actor)


def reject(number: int) -> Act:
    return lambda bench, _runs, actor: bench.approvals.reject(f"r1-a{number}", actor=actor, reason="No")


@pytest.mark.parametrize("second", [approve(1), reject(1)], ids=["approved", "rejected"])
def test_a_run_goes_on_when_its_last_two_actions_are_decided_at_once(bench: Bench, second: Act) -> None:
    assert at_once(bench.records, approve(0), second) == [None, None]
    assert not any(item.status.is_open for item in bench.approvals.list_of_run("r1"))
    run = bench.run()
    assert (run.status, run.segment) == (RunStatus.QUEUED, 1)


@pytest.mark.parametrize("is_cancelled_first", [True, False])
def test_a_run_that_is_cancelled_while_somebody_decides_has_one_end(bench: Bench, is_cancelled_first: bool) -> None:
    def cancel(_bench: Bench, runs: RunService, actor: Actor) -> None:
        runs.cancel("r1", actor=actor)

    told = at_once(bench.records, *((cancel, approve(0)) if is_cancelled_first else (approve(0), cancel)))
    assert [type(error) for error in told if error is not None] == ([Conflict] if is_cancelled_first else [])
    assert bench.run().status is RunStatus.CANCELLED
    assert not any(item.status.is_open for item in bench.approvals.list_of_run("r1"))
    assert all(item.execution is ExecutionStatus.NOT_STARTED for item in bench.approvals.list_of_run("r1"))


def send(_bench: Bench, runs: RunService, actor: Actor) -> None:
    runs.mark_sent("r1", actor=actor, text="Dear Alice")


def take_over(_bench: Bench, runs: RunService, actor: Actor) -> None:
    runs.take_over("r1", actor=actor)


def retry(_bench: Bench, runs: RunService, actor: Actor) -> None:
    runs.retry("r1", actor=actor)


def test_of_two_people_one_runs_a_message_again_and_the_other_is_told_where(bench: Bench) -> None:
    def at_work() -> list[Run]:
        with bench.records.read() as tx:
            return [run for run in tx.runs.list_of_conversation("c-r1") if not run.status.is_final]

    def end(run_id: str) -> None:
        with bench.records.begin() as tx:
            tx.runs.update(run_id, status=RunStatus.FAILED)

    end("r1")
    first, second = at_once(bench.records, retry, retry)
    assert first is None
    (again,) = at_work()
    assert isinstance(second, Conflict)
    assert again.id in str(second)
    # Whichever of its ended runs somebody has before them, it is the same message.
    end(again.id)
    first, second = at_once(bench.records, retry, lambda _, runs, actor: runs.retry(again.id, actor=actor))
    assert first is None
    assert isinstance(second, Conflict)
    (last,) = at_work()
    assert (last.retry_of, last.submitted_by) == ("r1", RITA.name)


@pytest.mark.parametrize("is_released_first", [True, False])
def test_a_message_is_released_or_run_again_but_not_both_at_once(bench: Bench, is_released_first: bool) -> None:
    def release(bench: Bench, _runs: RunService, actor: Actor) -> None:
        ReleaseService(records=bench.records, queue=bench.queue).release("r1", actor=actor, reason="Harmless")

    trip = Trip(guardrail="Input check", stage="input", verdict="off_topic", reason="r", customer_message="c")
    with bench.records.begin() as tx:
        tx.runs.update("r1", status=RunStatus.BLOCKED, trip=trip)
    first, second = at_once(bench.records, *((release, retry) if is_released_first else (retry, release)))
    assert first is None
    assert isinstance(second, Conflict)
    with bench.records.read() as tx:
        assert len(tx.runs.list_of_conversation("c-r1")) == 2


@pytest.mark.parametrize("act", [send, take_over])
def test_of_two_people_one_sends_the_reply_or_takes_over(bench: Bench, act: Act) -> None:
    with bench.records.begin() as tx:
        tx.runs.update("r1", status=RunStatus.COMPLETED, reply="Dear Alice")
    first, second = at_once(bench.records, act, act)
    assert first is None
    assert isinstance(second, Conflict)
    with bench.records.read() as tx:
        assert len(tx.conversations.messages("c-r1")) == (1 if act is send else 0)
    run = bench.run()
    assert (run.reply_sent_by if act is send else run.assigned_to) == RITA.name


LIMITS = Policy(
    "rules: []\nlimits:\n  reviewer: {per_day: 100}\n  manager: {per_day: 1000}\n  customer: {per_day: 200}\n"
)


def refunds(records: Records, *, runs: int, **fields: Any) -> Bench:
    """Return a bench with runs that each ask for $40.00."""
    bench = Bench(records, policies=LIMITS)
    for number in range(runs):
        bench.asks(f"r{number}", amount_usd=Decimal(40), **fields)
    return bench


def approve_as(bench: Bench, number: int, actor: Actor) -> Callable[[], Any]:
    def act() -> Any:
        try:
            return bench.approvals.approve(f"r{number}-a0", actor=actor)
        except NotAllowed as error:
            return error

    return act


def test_what_one_person_may_approve_a_day_holds_for_clicks_at_once(any_records: Records) -> None:
    bench = refunds(any_records, runs=6)
    told = all_at_once([approve_as(bench, number, RITA) for number in range(6)])
    assert sorted(type(item).__name__ for item in told) == ["Approval"] * 2 + ["NotAllowed"] * 4
    with any_records.read() as tx:
        assert tx.approvals.agreed_usd("decided_by", RITA.name, since=START) == 80


def test_what_a_customer_may_get_a_day_holds_for_people_at_once(any_records: Records) -> None:
    bench = refunds(any_records, runs=8)
    people = [Actor(name=f"m{number}", role=Role.MANAGER) for number in range(8)]
    told = all_at_once([approve_as(bench, number, actor) for number, actor in enumerate(people)])
    assert sorted(type(item).__name__ for item in told) == ["Approval"] * 5 + ["NotAllowed"] * 3
    with any_records.read() as tx:
        assert tx.approvals.agreed_usd("customer_email", ALICE, since=START) == 200
