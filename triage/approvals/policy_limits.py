"""How much money a person may let go, and how long an action may wait. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pydantic import Field

from triage.approvals.business_hours import Duration, Hours
from triage.domain import Role, Urgency, Value

ROLES = (Role.REVIEWER, Role.MANAGER, Role.ADMIN)
# A reviewer could have decided in time, so what is overdue goes further up.
ESCALATION_ROLES = (Role.MANAGER, Role.ADMIN)


class RoleLimit(Value):
    """The most that one person of a role may approve, in US dollars: with one decision, and on one day (UTC)."""

    per_decision: Decimal | None = None
    per_day: Decimal | None = None


class Limits(Value):
    """All money limits; what is not there is not limited.

    A role without a limit of its own has that of the next role above it that has one.
    """

    roles: dict[Role, RoleLimit] = Field(default_factory=dict)
    customer_per_day: Decimal | None = None

    def of_role(self, role: Role) -> RoleLimit:
        """Return the limits that count for a role."""
        from_here = [self.roles[other] for other in ROLES[_rank(role) :] if other in self.roles]
        return RoleLimit(
            per_decision=next((limit.per_decision for limit in from_here if limit.per_decision is not None), None),
            per_day=next((limit.per_day for limit in from_here if limit.per_day is not None), None),
        )

    def problem(
        self, *, role: Role, amount_usd: Decimal, decided_today_usd: Decimal, customer_today_usd: Decimal
    ) -> str | None:
        """Return the sentence that says which limit a decision would break, or None.

        The amounts of today are without this decision.
        """
        limit = self.of_role(role)
        if limit.per_decision is not None and amount_usd > limit.per_decision:
            return (
                f"{_usd(amount_usd)} is more than a {role.value} may approve at once "
                f"({_usd(limit.per_decision)}); somebody with another role has to decide."
            )
        if limit.per_day is not None and decided_today_usd + amount_usd > limit.per_day:
            total = _usd(decided_today_usd + amount_usd)
            return (
                f"With this you would have approved {total} today, and a {role.value} may approve "
                f"{_usd(limit.per_day)} a day; somebody else has to decide."
            )
        return self.customer_problem(amount_usd=amount_usd, customer_today_usd=customer_today_usd)

    def customer_problem(self, *, amount_usd: Decimal, customer_today_usd: Decimal) -> str | None:
        """Return the sentence that says that a customer would get more than one may on one day, or None."""
        total, most = customer_today_usd + amount_usd, self.customer_per_day
        if most is None or total <= most:
            return None
        return (
            f"With this the customer would get {_usd(total)} today, and {_usd(most)} a day is the limit; decide it "
            "tomorrow, or have an administrator raise the limit."
        )


class ApprovalTimes(Value):
    """By when somebody should have decided an action, and from when on nobody can any more."""

    due_at: datetime
    expires_at: datetime


class TimeRule(Value):
    """How long actions of a tool and an urgency may wait; None is every one.

    What is due and not decided escalates to the role ``escalate``.
    """

    tool: str | None = None
    urgency: tuple[Urgency, ...] = ()
    due: Duration
    expires: Duration
    escalate: Role = Role.MANAGER
    line: int = 0

    def holds(self, *, tool: str, urgency: Urgency) -> bool:
        """Whether it is for such an action."""
        return self.tool in (None, tool) and (not self.urgency or urgency in self.urgency)

    def covers(self, other: TimeRule) -> bool:
        """Whether the other one, coming later, could never be reached."""
        is_wider = not self.urgency or (bool(other.urgency) and set(other.urgency) <= set(self.urgency))
        return self.tool in (None, other.tool) and is_wider

    def times(self, asked_at: datetime, *, hours: Hours) -> ApprovalTimes:
        """Return the times of an action that was asked for at an instant."""
        return ApprovalTimes(due_at=hours.add(asked_at, self.due), expires_at=hours.add(asked_at, self.expires))


USUAL_TIMES = TimeRule(due=Duration(minutes=8 * 60), expires=Duration(minutes=3 * 24 * 60))


def _rank(role: Role) -> int:
    # An operator decides nothing; were one to, the narrowest limit would count.
    return ROLES.index(role) if role in ROLES else 0


def _usd(amount: Decimal) -> str:
    return f"${amount:,.2f}"
