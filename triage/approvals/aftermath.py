"""What people say of actions after the decision: whether one happened that nobody knows of, and that one was undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from triage.access.actions import Action
from triage.access.teams import approval_for, lock_for
from triage.approvals.actions import TICKET_TOOL
from triage.approvals.changes import was_told
from triage.connectors.tickets import (
    HelpDesk,
    HelpDeskTicket,
    created_key,
    created_payload,
    kept_at,
    new_ticket,
)
from triage.domain import Actor, Approval, EventKind, ExecutionStatus, NewEvent, utc_now
from triage.errors import Conflict
from triage.gateway import Gateway, Stores
from triage.notices.outbox import notify_ticket
from triage.runs.intake import clean_message
from triage.stable_ids import action_key


class AftermathService:
    """Settles actions that were decided before."""

    def __init__(
        self,
        *,
        records: Gateway,
        when_reversed: Callable[[Any, Approval], None] = lambda _tx, _approval: None,
        help_desk: HelpDesk | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._records = records
        self._when_reversed = when_reversed
        self._help_desk = help_desk
        self._clock = clock

    def reconcile(self, approval_id: str, *, actor: Actor, happened: bool, note: str) -> Approval:
        """Say whether an action happened of which nobody knows that; the note says how it was found out.

        Raises:
            NotAllowed: the actor is not a reviewer.
            Conflict: what became of the action is known.
        """
        text = clean_message(note, what="reason")
        with self._records.begin() as tx:
            return self._settle(tx, approval_id, actor=actor, happened=happened, note=text)

    def can_ask(self, approval: Approval) -> bool:
        """Whether the help desk can say what became of an action."""
        is_unknown = approval.execution is ExecutionStatus.UNKNOWN
        return is_unknown and approval.tool == TICKET_TOOL and self._help_desk is not None

    def ask_help_desk(self, approval_id: str, *, actor: Actor) -> Approval:
        """Settle a ticket of which nobody knows whether it was created by what the help desk says of its key.

        Raises:
            NotAllowed: the actor is not a reviewer.
            Conflict: what became of the action is known, or no help desk can say it.
            OutsideUnavailable: the help desk does not answer.
        """
        with self._records.read() as tx:
            asked = approval_for(tx, approval_id, actor=actor, action=Action.APPROVALS_SETTLE)
        if self._help_desk is None or not self.can_ask(asked):
            raise Conflict("The help desk cannot say what became of this action. Settle it by hand.")
        key = action_key(asked.run_id, asked.call_id)
        # Outside of any transaction: the records must not wait for another system.
        found = self._help_desk.find(key)
        note = f"The help desk has it as {found.id}." if found else f"The help desk has nothing under the key {key}."
        with self._records.begin() as tx:
            return self._settle(tx, approval_id, actor=actor, happened=found is not None, note=note, found=found)

    def _settle(
        self,
        tx: Stores,
        approval_id: str,
        *,
        actor: Actor,
        happened: bool,
        note: str,
        found: HelpDeskTicket | None = None,
    ) -> Approval:
        before = lock_for(tx, approval_id, actor=actor, action=Action.APPROVALS_SETTLE)
        if before.execution is not ExecutionStatus.UNKNOWN:
            raise Conflict(f"What became of this action is known: {before.execution.value.replace('_', ' ')}.")
        execution = ExecutionStatus.SUCCEEDED if happened else ExecutionStatus.FAILED
        after = tx.approvals.update(approval_id, execution=execution)
        if found is not None:
            _keep_ticket(tx, after, found)
        told = after.model_copy(update={"reason": note})
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
            after = tx.approvals.update(approval_id, reversed_at=now, reversed_by=actor.name)
            told = after.model_copy(update={"reason": text})
            was_told(tx, EventKind.ACTION_REVERSED, told, actor=actor, before=before, now=now)
            self._when_reversed(tx, after)
        return after


def _keep_ticket(tx: Stores, approval: Approval, found: HelpDeskTicket) -> None:
    """Keep here what the help desk has, as if the tool had come to its end."""
    said = approval.decided_arguments or approval.arguments
    ticket = kept_at(
        new_ticket(
            said,
            run_id=approval.run_id,
            call_id=approval.call_id,
            conversation_id=approval.conversation_id,
            created_by=approval.agent,
        ),
        found,
    )
    if tx.tickets.add(ticket) is ticket:
        notify_ticket(tx, ticket)
    event = NewEvent(
        key=created_key(ticket), kind=EventKind.TICKET_CREATED, at=ticket.created_at, payload=created_payload(ticket)
    )
    tx.events.append(approval.run_id, [event])
