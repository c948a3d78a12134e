"""Policies as data: which actions wait for whom, for how long, and up to which amount."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from triage.approvals.business_hours import ALWAYS, Hours
from triage.approvals.policy_limits import USUAL_TIMES, ApprovalTimes, Limits, TimeRule
from triage.approvals.policy_reading import read_hours, read_limits, read_rules, read_times
from triage.approvals.policy_rules import ProposedCall, Rule, Verdict, judge
from triage.approvals.policy_text import PolicyError, read_document
from triage.domain import Role, Urgency, Value

__all__ = [
    "ApprovalTimes",
    "PolicyDocument",
    "PolicyError",
    "ProposedCall",
    "Rule",
    "Verdict",
    "default_policy",
    "default_text",
    "parse_policy",
]

_DEFAULT = Path(__file__).parent / "default_policy.yaml"


class PolicyDocument(Value):
    """A policy that was read; ``version`` is 0 until the records give it one."""

    rules: tuple[Rule, ...] = ()
    limits: Limits = Limits()
    time_rules: tuple[TimeRule, ...] = ()
    hours: Hours = ALWAYS
    version: int = 0

    def judge(self, call: ProposedCall) -> Verdict:
        """Say what becomes of a call; its arguments may be anything, and what cannot be read waits."""
        return judge(self.rules, call, version=self.version)

    @property
    def all_times(self) -> tuple[TimeRule, ...]:
        """The entries of times, with the usual one at the end where they are not for every action."""
        is_complete = any(rule.tool is None and not rule.urgency for rule in self.time_rules)
        return self.time_rules if is_complete else (*self.time_rules, USUAL_TIMES)

    def times(self, *, tool: str, urgency: Urgency, asked_at: datetime) -> ApprovalTimes:
        """Return by when a call that waits should be decided and when it expires; only open time counts."""
        return self._time_rule(tool=tool, urgency=urgency).times(asked_at, hours=self.hours)

    def escalates_to(self, *, tool: str, urgency: Urgency) -> Role:
        """Return the role that a call which nobody decided by its due time escalates to."""
        return self._time_rule(tool=tool, urgency=urgency).escalate

    def _time_rule(self, *, tool: str, urgency: Urgency) -> TimeRule:
        return next(rule for rule in self.all_times if rule.holds(tool=tool, urgency=urgency))

    def limit_problem(
        self, *, role: Role, amount_usd: Decimal, decided_today_usd: Decimal, customer_today_usd: Decimal
    ) -> str | None:
        """Return the sentence that says which money limit a person's decision would break, or None.

        ``decided_today_usd`` is what this person has approved on this day (UTC) and ``customer_today_usd`` what
        everybody has approved for this customer, both without this decision.
        """
        return self.limits.problem(
            role=role,
            amount_usd=amount_usd,
            decided_today_usd=decided_today_usd,
            customer_today_usd=customer_today_usd,
        )

    def find(self, name: str) -> Rule | None:
        """Return the rule of a name, or None."""
        return next((rule for rule in self.rules if rule.name == name), None)


def parse_policy(text: str) -> PolicyDocument:
    """Read the text of a policy.

    Raises:
        PolicyError: something in it cannot be used; the message says where and what to write.
    """
    root = read_document(text)
    root.allow("rules", "limits", "times", "hours")
    root.need("rules")
    hours = read_hours(root)
    return PolicyDocument(
        rules=read_rules(root), limits=read_limits(root), time_rules=read_times(root, hours=hours), hours=hours
    )


@cache
def default_text() -> str:
    """Return the text of the policy that is in force until another one is saved."""
    return _DEFAULT.read_text(encoding="utf-8")


@cache
def default_policy() -> PolicyDocument:
    """Return the policy that is in force until another one is saved."""
    return parse_policy(default_text())
