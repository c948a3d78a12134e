"""What people change about whole runs, each inside a transaction of the caller."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from typing import Any

from triage.alerts.budgets import require_budget
from triage.approvals.changes import audit
from triage.audit.entries import add_entry
from triage.domain import Actor, ApprovalStatus, EventKind, NewEvent, Run, RunStatus, utc_now
from triage.errors import Conflict
from triage.gateway import Stores

STOPPABLE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.AWAITING_APPROVAL)


def add_run(tx: Stores, run: Run) -> Run:
    """Keep a new run and say in its log that it is queued.

    Raises:
        BudgetReached: a budget is used up.
    """
    require_budget(tx, at=run.created_at)
    tx.runs.add(run)
    tx.events.begin(run.id, NewEvent(key="queued", kind=EventKind.RUN_QUEUED, at=run.created_at))
    return run


def new_run(**fields: Any) -> Run:
    """Make a queued run."""
    now = utc_now()
    return Run(
        id=f"run_{secrets.token_hex(8)}",
        status=RunStatus.QUEUED,
        trace_id=f"trace_{uuid.uuid4().hex}",
        created_at=now,
        updated_at=now,
        **fields,
    )


def event_by_person(kind: EventKind, **payload: Any) -> NewEvent:
    """Make an event of something that a person did; each one is its own."""
    return NewEvent(key=f"{kind.value}:{uuid.uuid4().hex}", kind=kind, at=utc_now(), payload=payload)


def end_by_person(
    tx: Stores,
    run_id: str,
    *,
    actor: Actor,
    kind: EventKind = EventKind.RUN_CANCELLED,
    assigned_to: str | None = None,
    expect: Collection[RunStatus] = STOPPABLE,
) -> Run:
    """End a run that has not ended, and cancel its open approvals.

    Raises:
        Conflict: it is in none of the states of ``expect``.
    """
    before = tx.runs.lock(run_id)
    ended = tx.runs.update(
        run_id, expect=expect, status=RunStatus.CANCELLED, ended_at=utc_now(), assigned_to=assigned_to
    )
    tx.events.append(run_id, [event_by_person(kind, by=actor.name)])
    for approval in tx.approvals.list_open_of_run(run_id):
        now = utc_now()
        cancelled = tx.approvals.update(
            approval.id,
            status=ApprovalStatus.CANCELLED,
            claimed_by=None,
            claimed_until=None,
            decided_by=actor.name,
            decided_at=now,
        )
        audit(tx, "approval.cancelled", cancelled, actor=actor, before=approval, now=now)
    add_entry(
        tx,
        kind.value,
        actor=actor,
        subject=("run", run_id),
        before={"status": before.status.value},
        after={"status": ended.status.value, **({"assigned_to": assigned_to} if assigned_to else {})},
    )
    return ended


def run_again(tx: Stores, old: Run, *, actor: Actor) -> Run:
    """Queue the message of an ended run again, as a new run of the same conversation.

    Raises:
        Conflict: the run has not ended, or another run of its message has not; both might act.
    """
    if not old.status.is_final:
        raise Conflict(f"This run is {_words(old)}; cancel it before you run it again.")
    other = next((run for run in tx.runs.lock_message(old) if not run.status.is_final), None)
    if other is not None:
        raise Conflict(f"Another run of this message has not ended: look at {other.id} ({_words(other)}).")
    run = add_run(
        tx,
        new_run(
            conversation_id=old.conversation_id,
            message_id=old.message_id,
            message=old.message,
            customer_email=old.customer_email,
            account_id=old.account_id,
            submitted_by=actor.name,
            team=old.team,
            retry_of=old.id,
        ),
    )
    add_entry(tx, "run.retried", actor=actor, subject=("run", old.id), after={"new_run": run.id})
    return run


def _words(run: Run) -> str:
    return run.status.value.replace("_", " ")
