"""The tool that creates work for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from agents import FunctionTool

from triage.approvals.gate import ActionGate
from triage.domain import Category, EventKind, Ticket, Urgency, utc_now
from triage.errors import ToolError
from triage.stable_ids import stable_id
from triage.team.calls import CallEvent, Outcome, ToolCall, as_json, run_call
from triage.team.context import RunFacts, TriageContext
from triage.team.desk_records import DeskRecords
from triage.team.tools.building import desk_tool

_SEARCH_FIRST = "No ticket before a search: call search_knowledge_base for this problem first, then create the ticket."
# Written out rather than as the enums: the SDK decides on approval by the raw arguments only for plain types.
Priority = Literal["low", "medium", "high", "critical"]
TicketCategory = Literal["billing", "technical", "account", "feature_request", "other"]


def ticket_tool(records: DeskRecords, gate: ActionGate) -> FunctionTool:
    """Build ``create_support_ticket``."""

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
            ticket = _new_ticket(call, title=title, description=description, priority=priority, category=category)
            with records.begin() as stores:
                kept = stores.tickets.add(ticket)
            return _created(kept)

        return await run_call(call, work)

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


def _new_ticket(call: ToolCall, *, title: str, description: str, priority: str, category: str) -> Ticket:
    context = call.context
    return Ticket(
        id=stable_id("T", context.run_id, call.tool_call_id),
        run_id=context.run_id,
        call_id=call.tool_call_id,
        conversation_id=context.conversation_id,
        title=" ".join(title.split()),
        description=description.strip(),
        priority=Urgency(priority),
        category=Category(category),
        created_by=call.agent.name if call.agent else "team",
        created_at=utc_now(),
    )


def _created(ticket: Ticket) -> Outcome:
    return Outcome(
        output=as_json(
            {"created": True, "ticket_id": ticket.id, "priority": ticket.priority.value, "status": ticket.status}
        ),
        summary=f"ticket {ticket.id}",
        facts=RunFacts(tickets=[ticket.id]),
        events=[
            CallEvent(
                kind=EventKind.TICKET_CREATED,
                key=f"ticket:{ticket.id}",
                payload={"ticket_id": ticket.id, "title": ticket.title, "priority": ticket.priority.value},
            )
        ],
    )
