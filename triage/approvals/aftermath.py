"""What people say of actions after the decision: whether one happened that nobody knows of, and that one was undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from triage.access.actions import Action
from triage.access.teams import lock_for
from triage.approvals.changes import was_told
from triage.domain import Actor, Approval, EventKind, ExecutionStatus, utc_now
from triage.errors import Conflict
from triage.runs.gateway import Gateway
from triage.runs.intake import clean_message


class AftermathService:
    """Settles actions that were decided before."""

    def __init__(
        self,
        *,
        records: Gateway,
        when_reversed: Callable[[Any, Approval], None] = lambda _tx, _approval: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._records = records
        self._when_reversed = when_reversed
        self._clock = clock

    def reconcile(self, approval_id: str, *, actor: Actor, happened: bool, note: str) -> Approval:
        """Say whether an action happened of which nobody knows that; the note says how it was found out.

        Raises:
            NotAllowed: the actor is not a reviewer.
            Conflict: what became of the action is known.
        """
        text = clean_message(note, what="reason")
        with self._records.begin() as tx:
            before = lock_for(tx, approval_id, actor=actor, action=Action.APPROVALS_SETTLE)
            if before.execution is not ExecutionStatus.UNKNOWN:
                raise Conflict(f"What became of this action is known: {before.execution.value.replace('_', ' ')}.")
            execution = ExecutionStatus.SUCCEEDED if happened else ExecutionStatus.FAILED
            after: Approval = tx.approvals.update(approval_id, execution=execution)
            told = after.model_copy(update={"reason": text})
            was_told(tx, EventKind.ACTION_RECONCILED, told, actor=actor, before=before, now=self._clock())
        return after

    def mark_reversed(self, approval_id: str, *, actor: Actor, reason: str) -> Approval:
        """Say that an action was undone outside of the desk; a policy that let it pass by itself does so no more.

        Raises:
            NotAllowed: the actor is not a reviewer.
            Conflict: the action did not happen, or is marked already.
        """
        text = clean_message(reason, what="reason")
        now = self._clock()
        with self._records.begin() as tx:
            before = lock_for(tx, approval_id, actor=actor, action=Action.APPROVALS_SETTLE)
            if before.execution is not ExecutionStatus.SUCCEEDED:
                raise Conflict("Only an action that happened can be reversed.")
            if before.reversed_at is not None:
                raise Conflict(f"{before.reversed_by} has marked this as reversed already.")
            after: Approval = tx.approvals.update(approval_id, reversed_at=now, reversed_by=actor.name)
            told = after.model_copy(update={"reason": text})
            was_told(tx, EventKind.ACTION_REVERSED, told, actor=actor, before=before, now=now)
            self._when_reversed(tx, after)
        return after
