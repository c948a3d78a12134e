"""The approval queue: what waits for a person, and what a decision sets going."""

from __future__ import annotations

import builtins
import uuid
from collections.abc import Collection
from typing import Any

from triage.domain import (
    OPEN_APPROVAL_STATUSES,
    Actor,
    Approval,
    ApprovalStatus,
    EventKind,
    NewEvent,
    Role,
    RunStatus,
    utc_now,
)
from triage.errors import Conflict
from triage.roles import require
from triage.runs.gateway import Gateway
from triage.runs.intake import clean_message
from triage.runs.queue import WorkQueue


class ApprovalService:
    """Decisions on tool calls; each is made once, and the last one of a run resumes it in the same transaction."""

    def __init__(self, *, records: Gateway, queue: WorkQueue) -> None:
        self._records = records
        self._queue = queue

    def approve(self, approval_id: str, *, actor: Actor) -> Approval:
        """Let the call happen exactly as it is shown.

        Raises:
            NotAllowed: the actor is not a reviewer.
            Conflict: somebody decided already; the message says who and what.
        """
        require(actor, Role.REVIEWER, action="approve an action")
        return self._decide(approval_id, actor=actor, status=ApprovalStatus.APPROVED, reason=None)

    def reject(self, approval_id: str, *, actor: Actor, reason: str) -> Approval:
        """Refuse the call; the reason goes to the agent.

        Raises:
            InvalidInput: there is no reason.
            NotAllowed: the actor is not a reviewer.
            Conflict: somebody decided already; the message says who and what.
        """
        require(actor, Role.REVIEWER, action="reject an action")
        text = clean_message(reason, what="reason")
        return self._decide(approval_id, actor=actor, status=ApprovalStatus.REJECTED, reason=text)

    def get(self, approval_id: str) -> Approval:
        """Return an approval."""
        with self._records.read() as tx:
            approval: Approval = tx.approvals.get(approval_id)
        return approval

    def list(
        self,
        *,
        statuses: Collection[ApprovalStatus] = OPEN_APPROVAL_STATUSES,
        newest_first: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> builtins.list[Approval]:
        """Return approvals, by default the open ones with the one that waits longest first."""
        with self._records.read() as tx:
            approvals: builtins.list[Approval] = tx.approvals.list(
                statuses=statuses, newest_first=newest_first, limit=limit, offset=offset
            )
        return approvals

    def list_of_run(self, run_id: str) -> builtins.list[Approval]:
        """Return the approvals of a run."""
        with self._records.read() as tx:
            approvals: builtins.list[Approval] = tx.approvals.list_of_run(run_id)
        return approvals

    def count_open(self) -> int:
        """Return how many wait for a decision."""
        with self._records.read() as tx:
            count: int = tx.approvals.count_open()
        return count

    def _decide(self, approval_id: str, *, actor: Actor, status: ApprovalStatus, reason: str | None) -> Approval:
        now = utc_now()
        with self._records.begin() as tx:
            before: Approval = tx.approvals.get(approval_id)
            if not before.status.is_open:
                raise Conflict(_already(before))
            approval: Approval = tx.approvals.update(
                approval_id,
                expect=OPEN_APPROVAL_STATUSES,
                status=status,
                decided_by=actor.name,
                decided_at=now,
                decided_arguments=before.arguments if status is ApprovalStatus.APPROVED else None,
                reason=reason,
            )
            tx.events.append(
                approval.run_id,
                [
                    NewEvent(
                        key=f"approval:{approval.id}:{uuid.uuid4().hex}",
                        kind=EventKind.APPROVAL_DECIDED,
                        at=now,
                        payload={
                            "approval_id": approval.id,
                            "tool": approval.tool,
                            "summary": approval.summary,
                            "status": status.value,
                            "by": actor.name,
                            "reason": reason,
                        },
                    )
                ],
            )
            _resume_when_decided(tx, approval)
        self._queue.wake()
        return approval


def _resume_when_decided(tx: Any, approval: Approval) -> None:
    """Queue the next segment when this was the last open approval of the run."""
    if any(other.status.is_open for other in tx.approvals.list_of_run(approval.run_id)):
        return
    tx.runs.update(
        approval.run_id,
        expect=(RunStatus.AWAITING_APPROVAL,),
        status=RunStatus.QUEUED,
        segment=approval.segment + 1,
    )


def _already(approval: Approval) -> str:
    who = f" by {approval.decided_by}" if approval.decided_by else ""
    why = f": {approval.reason}" if approval.reason else ""
    return f"This action was already {approval.status.value}{who}{why}."
