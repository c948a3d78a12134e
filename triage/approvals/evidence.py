"""What past decisions say for or against letting the calls of a rule go ahead without a person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from triage.approvals.policies import PolicyDocument, Rule
from triage.approvals.policy_rules import ANY_TOOL
from triage.domain import Approval, ApprovalStatus, Mode, Value

LOOKED_AT = 200
MIN_DECISIONS = 50
MIN_UNCHANGED = Decimal("0.98")


class Evidence(Value):
    """What became of the last decided calls of a tool under one rule.

    ``automatic`` calls went ahead without a person and are no decisions; the rest adds up to ``decisions``.
    """

    tool: str
    rule: str
    mode: Mode
    is_for_every_tool: bool = False
    since_version: int
    unchanged: int = 0
    edited: int = 0
    rejected: int = 0
    expired: int = 0
    automatic: int = 0
    reversed: int = 0
    largest_usd: Decimal | None = None

    @property
    def decisions(self) -> int:
        """How many a person decided, or let expire."""
        return self.unchanged + self.edited + self.rejected + self.expired

    @property
    def obstacle(self) -> str | None:
        """Why the rule is not suggested for going ahead by itself, in a sentence; None when it is."""
        if self.mode not in (Mode.APPROVAL, Mode.TWO_PEOPLE):
            return "No person decides by this rule."
        if self.is_for_every_tool:
            return "The rule is for every tool; write one for this tool first."
        if self.reversed:
            return f"{self.reversed} of the last {LOOKED_AT} {'was' if self.reversed == 1 else 'were'} reversed."
        if self.decisions < MIN_DECISIONS:
            return f"{self.decisions} of the {MIN_DECISIONS} decisions that it takes."
        if self.unchanged < MIN_UNCHANGED * self.decisions:
            return f"Approved unchanged in {self.unchanged} of {self.decisions}, and it takes {MIN_UNCHANGED:.0%}."
        return None

    @property
    def is_suggested(self) -> bool:
        """Whether people have agreed so often that they might be asked no more."""
        return self.obstacle is None


def evidence_of(decided: Iterable[Approval], *, tool: str, rule: Rule, since_version: int) -> Evidence:
    """Count what became of decided calls of one tool and rule."""
    items = list(decided)
    by_people = [item for item in items if item.mode is not Mode.AUTO]
    amounts = [item.amount_usd for item in items if item.amount_usd is not None and _happened(item)]
    return Evidence(
        tool=tool,
        rule=rule.name,
        mode=rule.decide,
        is_for_every_tool=rule.tool == ANY_TOOL,
        since_version=since_version,
        unchanged=sum(item.status is ApprovalStatus.APPROVED for item in by_people),
        edited=sum(item.status is ApprovalStatus.EDITED for item in by_people),
        rejected=sum(item.status is ApprovalStatus.REJECTED for item in by_people),
        expired=sum(item.status is ApprovalStatus.EXPIRED for item in by_people),
        automatic=len(items) - len(by_people),
        reversed=sum(item.reversed_at is not None for item in items),
        largest_usd=max(amounts, default=None),
    )


def same_since(rule: str, versions: Sequence[tuple[int, PolicyDocument | None]]) -> int:
    """Return the first version from which on a rule has been for the same calls up to now.

    ``versions`` has the newest first; None is one that this build cannot read. Which calls reach a rule also depends
    on what the rules before it are for, so a change there makes what was decided earlier say nothing.
    """
    (newest, document), *older = versions
    reach = _reach(document, rule)
    since = newest
    for version, earlier in older:
        if reach is None or _reach(earlier, rule) != reach:
            break
        since = version
    return since


def _reach(document: PolicyDocument | None, name: str) -> list[object] | None:
    rule = document.find(name) if document else None
    if document is None or rule is None:
        return None
    before = document.rules[: document.rules.index(rule)]
    return [
        rule.reach,
        *(other.reach for other in before if other.tool in (ANY_TOOL, rule.tool) or rule.tool == ANY_TOOL),
    ]


def _happened(item: Approval) -> bool:
    return item.status in (ApprovalStatus.APPROVED, ApprovalStatus.EDITED)
