"""Tickets that a help desk keeps too: the rules of creating one exactly once and of finding it again by our key.

How a ticket gets there is the business of the client (help_desk.py); what the help desk answers is data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from triage.domain import Category, Ticket, Urgency, Value, utc_now
from triage.stable_ids import action_key, stable_id


class HelpDeskTicket(Value):
    """A ticket as the help desk knows it; ``url`` is None where it gave none that can be opened."""

    id: str
    url: str | None = None


class HelpDesk(Protocol):
    """Where tickets are kept besides the records."""

    def create(self, ticket: Ticket, *, key: str, customer_email: str | None) -> HelpDeskTicket:
        """Create a ticket, or return the one that the key made before.

        Raises:
            ToolError: it was not created; the sentence is for the model and for the person who reads the run.
            OutcomeUnknown: it may have been created, and the help desk cannot be asked.
        """

    def find(self, key: str) -> HelpDeskTicket | None:
        """Return the ticket that a key made, None where the help desk says that there is none.

        Raises:
            OutsideUnavailable: the help desk gives no answer that can be read.
        """


def new_ticket(
    arguments: Mapping[str, Any], *, run_id: str, call_id: str, conversation_id: str, created_by: str
) -> Ticket:
    """Return the ticket of a call; the same call makes the same one."""
    return Ticket(
        id=stable_id("T", run_id, call_id),
        run_id=run_id,
        call_id=call_id,
        conversation_id=conversation_id,
        title=" ".join(str(arguments["title"]).split()),
        description=str(arguments["description"]).strip(),
        priority=Urgency(arguments["priority"]),
        category=Category(arguments["category"]),
        created_by=created_by,
        created_at=utc_now(),
    )


def kept_at(ticket: Ticket, found: HelpDeskTicket) -> Ticket:
    """Return a ticket with where the help desk keeps it."""
    return ticket.model_copy(update={"external_id": found.id, "external_url": found.url})


def key_of(ticket: Ticket) -> str:
    """Return the key under which the help desk knows a ticket."""
    return action_key(ticket.run_id, ticket.call_id)


def created_key(ticket: Ticket) -> str:
    """Return the key of the event that tells of a new ticket; whoever tells it twice is heard once."""
    return f"ticket:{ticket.id}"


def created_payload(ticket: Ticket) -> dict[str, Any]:
    """Return what that event says."""
    said = {"ticket_id": ticket.id, "title": ticket.title, "priority": ticket.priority.value}
    return said if ticket.external_id is None else {**said, "help_desk_id": ticket.external_id}
