"""Which waiting runs this build could not go on with, and what to do with them.

A paused run goes on only in the build that paused it: the same SDK, the same state schema, the same team. After an
upgrade the others would be refused at the decision; here they are found before, and run again from their message.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import suppress

from triage.access.actions import Action
from triage.access.teams import run_for
from triage.audit.entries import add_entry
from triage.domain import Actor, Approval, Build, Run, RunStatus, Value
from triage.errors import Conflict, NotFound, StateError
from triage.gateway import Gateway, Stores
from triage.runs.queue import WorkQueue
from triage.runs.state import build_problem, this_build, unpack_state
from triage.runs.steering import end_by_person, run_again

NO_STATE = "There is no stored state of this run."


class NotResumable(Value):
    """A waiting run that this build cannot go on with: why, as a sentence, and what of it waits for a decision."""

    run: Run
    approvals: tuple[Approval, ...]
    reason: str


class ResumableService:
    """Compares the stored states of waiting runs with this build.

    ``fingerprint`` is the one of the team, ``key`` the one that signed the states.
    """

    def __init__(self, *, records: Gateway, queue: WorkQueue, fingerprint: str, key: bytes) -> None:
        self._records = records
        self._queue = queue
        self._build = this_build(fingerprint)
        self._key = key

    def count(self, *, team: str | None = None) -> int:
        """Return how many waiting runs were paused by another build; quick, also with thousands of them."""
        with self._records.read() as tx:
            return tx.states.count_of_other_builds(self._build, team=team)

    def list(self, *, limit: int = 50, team: str | None = None) -> builtins.list[NotResumable]:
        """Return the waiting runs that were paused by another build, the one that waits longest first."""
        with self._records.read() as tx:
            found = tx.states.of_other_builds(self._build, limit=limit, team=team)
            return [_not_resumable(tx, run_id, self._reason(tx.states.find_build(run_id))) for run_id in found]

    def check_all(self) -> builtins.list[NotResumable]:
        """Return the same, and besides the runs whose state does not fit its signature; this reads every state."""
        found = self.list(limit=1_000_000)
        known = {item.run.id for item in found}
        return [*found, *(item for item in self._altered() if item.run.id not in known)]

    def run_again(self, run_id: str, *, actor: Actor) -> Run:
        """End a run that this build cannot go on with, and queue its message again, in one transaction.

        Nothing of what waited is done; the new run asks again for what it needs.

        Raises:
            NotFound: there is no such run.
            Conflict: it waits no more, this build can go on with it, so its actions should be decided, or another run
                of its message is at work.
        """
        with self._records.begin() as tx:
            run = run_for(tx, run_id, actor=actor, action=Action.RUNS_SUBMIT)
            if run.status is not RunStatus.AWAITING_APPROVAL:
                raise Conflict(f"This run is {run.status.value.replace('_', ' ')} by now; load the page again.")
            reason = self._problem(tx, run.id, run.segment)
            if reason is None:
                raise Conflict("This run can go on as it is. Decide on its actions instead.")
            # Before the run and the audit log, which ending the run locks.
            tx.runs.lock_message(run)
            ended = end_by_person(tx, run_id, actor=actor, expect=(RunStatus.AWAITING_APPROVAL,))
            again = run_again(tx, ended, actor=actor)
            after = {"reason": reason, "new_run": again.id}
            add_entry(tx, "run.restarted", actor=actor, subject=("run", run_id), after=after)
        self._queue.wake()
        return again

    def _altered(self) -> Iterator[NotResumable]:
        with self._records.read() as tx:
            waiting = tx.states.of_waiting()
        for run_id, segment in waiting:
            # Each is its own look: reading them all takes long, and meanwhile some are decided.
            with self._records.read() as tx, suppress(NotFound):
                reason = self._problem(tx, run_id, segment)
                if reason is not None:
                    yield _not_resumable(tx, run_id, reason)

    def _problem(self, tx: Stores, run_id: str, segment: int) -> str | None:
        try:
            stored = tx.states.get(run_id, segment)
        except NotFound:
            return NO_STATE
        try:
            unpack_state(stored, fingerprint=self._build.tools_fingerprint, key=self._key)
        except StateError as error:
            return str(error)
        return None

    def _reason(self, build: Build | None) -> str:
        return NO_STATE if build is None else build_problem(build, build=self._build) or ""


def _not_resumable(tx: Stores, run_id: str, reason: str) -> NotResumable:
    approvals = tx.approvals.list_open_of_run(run_id)
    return NotResumable(run=tx.runs.get(run_id), approvals=tuple(approvals), reason=reason)
