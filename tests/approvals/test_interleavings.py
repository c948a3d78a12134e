"""Whatever people, time and kills do, in any order: one execution at most, never undecided, never too late."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storage.records import Records, open_engine
from storage.records.audit import FIRST_HASH
from tests.approvals.conftest import START, Bench
from tests.migrated import migrated
from triage.approvals.exact import decided_call
from triage.domain import Actor, Approval, ApprovalStatus, ExecutionStatus, Mode, Role, RunStatus
from triage.errors import TriageError
from triage.runs.records import NothingToDo, RunRecords
from triage.runs.service import RunService

PEOPLE = st.sampled_from([Actor(name=name, role=Role.REVIEWER) for name in ("rita", "sam", "olga")])
CALLS = st.sampled_from(["r1-a0", "r1-a1"])
TRACKED = ("status", "claimed_by", "endorsed_by", "decided_by", "decided_arguments")
LET_HAPPEN = (ApprovalStatus.APPROVED, ApprovalStatus.EDITED)


class Approvals(RuleBasedStateMachine):
    """Two calls of one run, three people, a clock, and a worker that may be killed at any point of its work."""

    @initialize(modes=st.tuples(*[st.sampled_from([Mode.APPROVAL, Mode.TWO_PEOPLE])] * 2))
    def open(self, modes: tuple[Mode, Mode]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="triage-approvals-")
        self.records = Records(open_engine(migrated(Path(self.folder.name, "triage.db"))))
        self.bench = Bench(self.records)
        self.worker = RunRecords(self.records)
        self.runs = RunService(records=self.records, queue=self.bench.queue, event_log=None, stop=lambda _: None)
        self.bench.asks(calls=2)
        with self.records.begin() as tx:
            for number, mode in enumerate(modes):
                tx.approvals.update(f"r1-a{number}", mode=mode)
        self.done: dict[str, list[dict[str, Any]]] = {"call0": [], "call1": []}

    def teardown(self) -> None:
        self.records.close()
        self.folder.cleanup()

    def seen(self) -> dict[str, dict[str, Any]]:
        return {item.id: item.model_dump(include=set(TRACKED)) for item in self.bench.approvals.list_of_run("r1")}

    def attempt(self, act: Callable[[], Any]) -> None:
        """Try something that may be refused: what it changed is in the audit log, what was refused changed nothing."""
        before, entries = self.seen(), len(self.bench.audited())
        try:
            act()
        except TriageError:
            assert self.seen() == before
            assert len(self.bench.audited()) == entries
        else:
            changed = sum(before[name] != now for name, now in self.seen().items())
            assert len(self.bench.audited()) >= entries + changed

    @rule(asked=CALLS, actor=PEOPLE)
    def claim(self, asked: str, actor: Actor) -> None:
        self.attempt(lambda: self.bench.approvals.claim(asked, actor=actor))

    @rule(asked=CALLS, actor=PEOPLE)
    def release(self, asked: str, actor: Actor) -> None:
        self.attempt(lambda: self.bench.approvals.release(asked, actor=actor))

    @rule(asked=CALLS, actor=PEOPLE)
    def approve(self, asked: str, actor: Actor) -> None:
        self.attempt(lambda: self.bench.approvals.approve(asked, actor=actor))

    @rule(asked=CALLS, actor=PEOPLE, title=st.sampled_from(["A", "B"]))
    def edit(self, asked: str, actor: Actor, title: str) -> None:
        arguments = {"title": title, "priority": "critical"}
        self.attempt(lambda: self.bench.approvals.edit(asked, actor=actor, arguments=arguments))

    @rule(asked=CALLS, actor=PEOPLE)
    def reject(self, asked: str, actor: Actor) -> None:
        self.attempt(lambda: self.bench.approvals.reject(asked, actor=actor, reason="No"))

    @rule(hours=st.sampled_from([0.1, 0.2, 1, 4]))
    def time_passes(self, hours: float) -> None:
        self.bench.later(hours=hours)
        self.attempt(self.bench.timekeeper.tick)

    @rule(actor=PEOPLE)
    def cancel(self, actor: Actor) -> None:
        self.attempt(lambda: self.runs.cancel("r1", actor=actor))

    @rule(killed_after=st.integers(0, 2))
    def work(self, killed_after: int) -> None:
        """Work on the decided calls as a segment does, each once by its call id, and be killed after some of them."""
        segment = self.bench.run().segment
        try:
            start = self.worker.start_segment("r1", segment)
        except NothingToDo:
            return
        decided = [item for item in start.approvals if item.status in LET_HAPPEN]
        for approval in decided[:killed_after]:
            self.execute(approval)

    def execute(self, approval: Approval) -> None:
        call = decided_call(approval, proposed=approval.arguments)
        if not self.done[call.call_id]:
            self.done[call.call_id].append(call.arguments)

    @invariant()
    def each_call_happened_at_most_once_and_as_decided(self) -> None:
        for approval in self.bench.approvals.list_of_run("r1"):
            happened = self.done[approval.call_id]
            assert len(happened) <= 1
            if happened:
                assert approval.status in LET_HAPPEN
                assert happened == [approval.decided_arguments]
                assert approval.decided_at is not None
                assert approval.decided_at < START + timedelta(hours=8), "It was decided after it had expired."
                assert approval.decided_by != "olga", "The one who submitted the message approved it."
            if approval.status in LET_HAPPEN and approval.mode is Mode.TWO_PEOPLE:
                assert approval.endorsed_by not in (None, approval.decided_by)

    @invariant()
    def the_run_goes_on_only_when_everything_is_decided(self) -> None:
        run = self.bench.run()
        if run.status in (RunStatus.QUEUED, RunStatus.RUNNING):
            assert not any(item.status.is_open for item in self.bench.approvals.list_of_run("r1"))
            assert run.segment == 1
        if run.status is RunStatus.CANCELLED:
            assert all(
                item.execution is not ExecutionStatus.SUCCEEDED or self.done[item.call_id]
                for item in self.bench.approvals.list_of_run("r1")
            )

    @invariant()
    def the_audit_log_is_one_chain(self) -> None:
        with self.records.read() as tx:
            rows = tx.connection.exec_driver_sql("select count(*), max(seq) from audit_log").one()
            entries = tx.audit.list()
        assert rows[0] == (rows[1] or 0) == len(entries)
        assert [entry.previous_hash for entry in entries] == [FIRST_HASH, *(entry.hash for entry in entries)][:-1]


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
