"""What a run leaves for people: tickets, escalations, and the labels that they corrected."""

from __future__ import annotations

import builtins

import sqlalchemy as sa

from storage.records.base import Store
from storage.records.prepared import Prepared
from storage.records.schema import corrections, escalations, tickets
from triage.domain import Correction, Escalation, Ticket

_TICKETS = Prepared(sa.select(tickets).order_by(tickets.c.created_at.desc(), tickets.c.id).limit(sa.bindparam("limit")))
_TICKETS_OF_RUN = Prepared(
    sa.select(tickets).where(tickets.c.run_id == sa.bindparam("run_id")).order_by(tickets.c.created_at, tickets.c.id)
)
_ESCALATIONS_OF_RUN = Prepared(
    sa.select(escalations)
    .where(escalations.c.run_id == sa.bindparam("run_id"))
    .order_by(escalations.c.created_at, escalations.c.id)
)
_CORRECTIONS_OF_RUN = Prepared(
    sa.select(corrections)
    .where(corrections.c.run_id == sa.bindparam("run_id"))
    .order_by(corrections.c.corrected_at, corrections.c.id)
)


class TicketStore(Store[Ticket]):
    """The tickets."""

    table = tickets
    value = Ticket
    noun = "ticket"

    def add(self, ticket: Ticket) -> Ticket:
        """Keep a ticket and return it; a second one of the same run and call returns the kept one."""
        return self._add_once(ticket, unique=("run_id", "call_id"))

    def list(self, limit: int = 100) -> builtins.list[Ticket]:
        """Return the newest tickets, newest first."""
        return self._all(_TICKETS, {"limit": limit})

    def list_of_run(self, run_id: str) -> builtins.list[Ticket]:
        """Return the tickets of a run, oldest first."""
        return self._all(_TICKETS_OF_RUN, {"run_id": run_id})


class EscalationStore(Store[Escalation]):
    """The escalations."""

    table = escalations
    value = Escalation
    noun = "escalation"

    def add(self, escalation: Escalation) -> Escalation:
        """Keep an escalation and return it; a second one of the same run and key returns the kept one."""
        return self._add_once(escalation, unique=("run_id", "key"))

    def list_of_run(self, run_id: str) -> list[Escalation]:
        """Return the escalations of a run, oldest first."""
        return self._all(_ESCALATIONS_OF_RUN, {"run_id": run_id})


class CorrectionStore(Store[Correction]):
    """The corrections of labels."""

    table = corrections
    value = Correction
    noun = "correction"

    def add(self, correction: Correction) -> None:
        """Keep a correction.

        Raises:
            Conflict: its id is taken, or there is no such run.
        """
        self._add(correction)

    def list_of_run(self, run_id: str) -> list[Correction]:
        """Return the corrections of a run, oldest first."""
        return self._all(_CORRECTIONS_OF_RUN, {"run_id": run_id})
