"""The actions that may wait for a person, in words: for the agents, and for the list of approvals.

Whether a call waits is the policy's word (policies.py); what is said here holds under every policy, because a paused
run has to find the instructions that it was paused with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triage.domain import Order

REFUND_TOOL = "process_refund"
TICKET_TOOL = "create_support_ticket"
QUESTION_TOOL = "ask_teammate"
ASKING_TOOLS: Mapping[str, str] = {
    REFUND_TOOL: "A person may have to approve a refund before it happens.",
    TICKET_TOOL: "A person may have to approve a ticket, above all a critical or high one.",
    QUESTION_TOOL: "The run waits until a person has answered.",
}
_MAX_QUOTED = 120


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
