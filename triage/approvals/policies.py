"""What a policy says about a call: stub of the contract, the built-in rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from triage.approvals.policy import needs_approval
from triage.domain import Mode, Role, Urgency, Value


class ProposedCall(Value):
    """A call that an agent wants to make."""

    tool: str
    arguments: dict[str, Any]
    amount_usd: Decimal | None = None
    customer_email: str | None = None
    plan: str | None = None
    urgency: Urgency | None = None


class Verdict(Value):
    """What the policy says about a call, by which rule, and why."""

    mode: Mode
    rule: str
    sentence: str
    version: int = 0


class ApprovalTimes(Value):
    """Until when a decision is due, and when it is too late."""

    due_at: datetime
    expires_at: datetime


class PolicyDocument(Value):
    """The rules."""

    def judge(self, call: ProposedCall) -> Verdict:
        """Say what becomes of a call."""
        found = needs_approval(call.tool, call.arguments)
        mode = Mode.APPROVAL if found.needs_approval or call.tool == "ask_teammate" else Mode.AUTO
        return Verdict(mode=mode, rule=found.rule, sentence=found.sentence)

    def times(self, *, tool: str, urgency: Urgency, asked_at: datetime) -> ApprovalTimes:  # noqa: ARG002
        """Return the times of an approval."""
        return ApprovalTimes(due_at=asked_at + timedelta(hours=1), expires_at=asked_at + timedelta(days=2))

    def limit_problem(
        self,
        *,
        role: Role,  # noqa: ARG002
        amount_usd: Decimal,  # noqa: ARG002
        decided_today_usd: Decimal,  # noqa: ARG002
        customer_today_usd: Decimal,  # noqa: ARG002
    ) -> str | None:
        """Say why a sum is too much for a role, or None."""
        return None
