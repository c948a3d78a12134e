"""The tool that creates work for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from agents import FunctionTool

from triage.approvals.gate import ActionGate
from triage.connectors.tickets import HelpDesk, created_key, created_payload, kept_at, key_of, new_ticket
from triage.domain import EventKind, Ticket
from triage.errors import OutcomeUnknown, ToolError
from triage.gateway import Gateway
from triage.notices.outbox import notify_ticket
from triage.team.calls import CallEvent, Outcome, ToolCall, as_json, run_call
from triage.team.context import RunFacts, TriageContext
from triage.team.tools.building import desk_tool

_SEARCH_FIRST = "No ticket before a search: call search_knowledge_base for this problem first, then create the ticket."
# Written out rather than as the enums: the SDK decides on approval by the raw arguments only for plain types.
Priority = Literal["low", "medium", "high", "critical"]
TicketCategory = Literal["billing", "technical", "account", "feature_request", "other"]


def ticket_tool(records: Gateway, gate: ActionGate, *, help_desk: HelpDesk | None = None) -> FunctionTool:
    """Build ``create_support_ticket``; with a ``help_desk`` the ticket is created there first, and then kept here.

    A kill between the two leaves a ticket of which the records know nothing. It is not created again: the action's
    outcome is unknown then, and settled by asking the help desk (triage/approvals/aftermath.py).
    """

    async def create_support_ticket(  # noqa: D417
        call: ToolCall, title: str, description: str, priority: Priority, category: TicketCategory
    ) -> str:
        """Create a ticket for a person. Use it for what the help articles do not solve, once per problem.

        Search the knowledge base first; without that the ticket is refused. A person may have to approve a ticket
        before it is created. Returns JSON with created, ticket_id, priority and status. When a person rejects it, do
        not create it again with another priority, and rest the reply on the person's reason.

        Args:
            title: The problem in a few words, for example "Invoices not generated since Monday".
            description: What happens, since when, who is affected and what was tried, for the person who takes it.
            priority: By the urgency definitions.
            category: What the problem is about.
        """

        def work() -> Outcome:
            check_searched(call.context)
            said = {"title": title, "description": description, "priority": priority, "category": category}
            ticket = _new_ticket(call, said)
            if help_desk is None:
                return _created(_keep(records, ticket))
            email = call.context.customer_email
            found = help_desk.create(ticket, key=key_of(ticket), customer_email=email)
            try:
                return _created(_keep(records, kept_at(ticket, found)))
            except Exception as error:
                raise OutcomeUnknown("The ticket was created, and could not be kept here.") from error

        return await run_call(call, work, once=help_desk is not None, is_outside=help_desk is not None)

    async def refusal(call: ToolCall, _arguments: Mapping[str, Any]) -> str | None:
        check_searched(call.context)
        return None

    return desk_tool(
        create_support_ticket, limits={"description": 8000}, refusal=refusal, shows_data=False, gate=gate, asks=True
    )


def check_searched(context: TriageContext) -> None:
    """Refuse a ticket when this run has not searched the knowledge base.

    Raises:
        ToolError: nothing was searched yet.
    """
    if context.facts.searches == 0:
        raise ToolError(_SEARCH_FIRST)


def _new_ticket(call: ToolCall, said: Mapping[str, Any]) -> Ticket:
    context = call.context
    return new_ticket(
        said,
        run_id=context.run_id,
        call_id=call.tool_call_id,
        conversation_id=context.conversation_id,
        created_by=call.agent.name if call.agent else "team",
    )


def _keep(records: Gateway, ticket: Ticket) -> Ticket:
    """Keep a ticket and tell of it, or return the one that this very call has kept before."""
    with records.begin() as stores:
        kept = stores.tickets.add(ticket)
        if kept is ticket:
            notify_ticket(stores, ticket)
    return kept


def _created(ticket: Ticket) -> Outcome:
    return Outcome(
        output=as_json(
            {"created": True, "ticket_id": ticket.id, "priority": ticket.priority.value, "status": ticket.status}
        ),
        summary=f"ticket {ticket.id}",
        facts=RunFacts(tickets=[ticket.id]),
        events=[CallEvent(kind=EventKind.TICKET_CREATED, key=created_key(ticket), payload=created_payload(ticket))],
    )
