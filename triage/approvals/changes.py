"""What every change of an approval brings with it: the story of its run, the audit log, the run that goes on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from triage.audit.entries import argument_marks, staff_words
from triage.domain import Actor, Approval, EventKind, NewAuditEntry, NewEvent, RunStatus
from triage.gateway import Stores

# Tells whoever wants to know, in the same transaction: topic and approval.
Notify = Callable[[Any, str, Approval], None]

# What the audit log keeps of an approval before and after a change; never the customer's words.
_TRACKED = (
    "status",
    "execution",
    "claimed_by",
    "escalated_to",
    "endorsed_by",
    "decided_by",
    "decided_arguments",
    "arguments_hash",
    "reason_code",
    "reason",
    "reversed_by",
)


def was_told(tx: Stores, kind: EventKind, after: Approval, *, actor: Actor, before: Approval, now: datetime) -> None:
    """Write a change into the story of the run and into the audit log.

    It comes last in its transaction: the audit log lets one writer in at a time, until that one has committed.
    """
    tx.events.append(
        after.run_id,
        [
            NewEvent(
                key=f"approval:{after.id}:{uuid.uuid4().hex}",
                kind=kind,
                at=now,
                payload={
                    "approval_id": after.id,
                    "tool": after.tool,
                    "summary": after.summary,
                    "status": after.status.value,
                    "by": actor.name,
                    "reason": after.reason,
                },
            )
        ],
    )
    action = f"approval.{after.status.value}" if kind is EventKind.APPROVAL_DECIDED else kind.value
    audit(tx, action, after, actor=actor, before=before, now=now)


def audit(tx: Stores, action: str, after: Approval, *, actor: Actor, before: Approval, now: datetime) -> None:
    """Write a change of an approval into the audit log: the fields that differ."""
    old, new = (value.model_dump(mode="json", include=set(_TRACKED)) for value in (before, after))
    changed = [name for name in _TRACKED if old[name] != new[name]]
    for side in (old, new):
        # The log can never be made to forget, so what a customer said or is called must not get in by way of these.
        side |= {"decided_arguments": argument_marks(side["decided_arguments"]), "reason": staff_words(side["reason"])}
    tx.audit.add(
        NewAuditEntry(
            at=now,
            actor=actor.name,
            role=actor.role,
            action=action,
            subject_kind="approval",
            subject_id=after.id,
            before={name: old[name] for name in changed},
            after={name: new[name] for name in changed},
        )
    )


def resume_when_decided(tx: Stores, approval: Approval) -> None:
    """Queue the next segment when this was the last open approval of the run."""
    if any(other.status.is_open for other in tx.approvals.list_of_run(approval.run_id)):
        return
    tx.runs.update(
        approval.run_id,
        expect=(RunStatus.AWAITING_APPROVAL,),
        status=RunStatus.QUEUED,
        segment=approval.segment + 1,
    )
