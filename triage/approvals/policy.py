"""Which actions wait for a person: pure rules over a tool's name and arguments.

| action                                         | rule               |
|------------------------------------------------|--------------------|
| every refund                                   | refund             |
| a critical ticket                              | critical_ticket    |
| a high ticket                                  | high_ticket        |
| a ticket whose priority is none of the known   | unclear_ticket     |
| everything else                                | none (goes ahead)  |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triage.domain import Order, Urgency, Value

REFUND_TOOL = "process_refund"
TICKET_TOOL = "create_support_ticket"
QUESTION_TOOL = "ask_teammate"
APPROVAL_RULES: Mapping[str, str] = {
    REFUND_TOOL: "Every refund waits for a person.",
    TICKET_TOOL: "Critical and high tickets wait for a person.",
}
_FREE_PRIORITIES = frozenset({Urgency.LOW.value, Urgency.MEDIUM.value})
_ASKING_PRIORITIES = frozenset({Urgency.HIGH.value, Urgency.CRITICAL.value})
_MAX_QUOTED = 120


class PolicyDecision(Value):
    """Whether an action waits for a person, by which rule, and why in a sentence for the reviewer."""

    needs_approval: bool
    rule: str
    sentence: str


GOES_AHEAD = PolicyDecision(needs_approval=False, rule="none", sentence="This action needs no approval.")


def needs_approval(tool: str, arguments: Mapping[str, Any]) -> PolicyDecision:
    """Decide whether a call of ``tool`` with ``arguments`` waits for a person.

    The arguments come from a model and may be anything; what cannot be read waits.
    """
    if tool == REFUND_TOOL:
        return PolicyDecision(needs_approval=True, rule="refund", sentence="A refund moves money, so a person decides.")
    if tool != TICKET_TOOL:
        return GOES_AHEAD
    priority = arguments.get("priority")
    if not isinstance(priority, str) or priority not in _FREE_PRIORITIES | _ASKING_PRIORITIES:
        return PolicyDecision(
            needs_approval=True,
            rule="unclear_ticket",
            sentence="The ticket's priority is unclear, so a person decides.",
        )
    if priority in _ASKING_PRIORITIES:
        return PolicyDecision(
            needs_approval=True,
            rule=f"{priority}_ticket",
            sentence=f"A {priority} ticket calls people in at once, so a person decides.",
        )
    return GOES_AHEAD


def describe_action(tool: str, arguments: Mapping[str, Any], *, order: Order | None = None) -> str:
    """Say in one line what a call would do, for the list of approvals; ``order`` is the one that it is about."""
    if tool == TICKET_TOOL:
        return f"Create {_quoted(arguments, 'priority')} ticket '{_quoted(arguments, 'title')}'"
    if tool == REFUND_TOOL and order is not None:
        return f"Refund ${order.total_usd:,.2f} for order {order.id} ({order.quantity} of {order.product})"
    if tool == REFUND_TOOL:
        return f"Refund order {_quoted(arguments, 'order_id')}: {_quoted(arguments, 'reason')}"
    if tool == QUESTION_TOOL:
        return f"Answer: {_quoted(arguments, 'question')}"
    return f"Call {tool}"


def _quoted(arguments: Mapping[str, Any], name: str) -> str:
    """Return an argument as one short line, since a model may have written anything there."""
    text = " ".join(str(arguments.get(name, "(missing)")).split())
    return text if len(text) <= _MAX_QUOTED else text[: _MAX_QUOTED - 1] + "…"
