"""What is checked again when a person changes the arguments of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from triage.approvals.gate import proposed_call
from triage.approvals.policies import PolicyDocument, ProposedCall
from triage.domain import Approval, Mode, Order
from triage.errors import InvalidInput
from triage.gateway import Stores

# The more people have to agree, the further back.
_STRICTNESS = [Mode.AUTO, Mode.APPROVAL, Mode.TWO_PEOPLE]


class ToolBook(Protocol):
    """The tools as a form needs them."""

    def form(self, tool: str) -> dict[str, Any] | None:
        """Return the JSON schema of a tool's arguments."""

    def problem(self, tool: str, arguments: Mapping[str, Any]) -> str | None:
        """Return why arguments cannot be used, in a sentence for the person who wrote them, or None."""


def check_edit(
    tx: Stores, approval: Approval, arguments: Mapping[str, Any], *, rules: PolicyDocument, order: Order | None
) -> tuple[ProposedCall, Mode]:
    """Return the changed call, with its sum, and how many have to agree to it: never fewer than before.

    ``order`` is the one that the changed arguments name.

    Raises:
        InvalidInput: the policy denies it, or it is about somebody else's order.
    """
    order_id = arguments.get("order_id")
    is_another = order_id is not None and order_id != approval.arguments.get("order_id")
    if is_another and not _is_theirs(order, approval):
        raise InvalidInput("The customer has no order with this number. Look it up in the order history.")
    call = proposed_call(tx, approval.tool, arguments, customer_email=approval.customer_email, order=order)
    verdict = rules.judge(call)
    if verdict.mode is Mode.DENY:
        raise InvalidInput(f"With these arguments the policy does not allow it. {verdict.sentence}")
    return call, max(approval.mode, verdict.mode, key=_STRICTNESS.index)


def _is_theirs(order: Order | None, approval: Approval) -> bool:
    return order is not None and order.customer_email.casefold() == (approval.customer_email or "").casefold()
