"""From single decisions to figures: pure functions over what the records hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from triage.domain import ApprovalStatus
from triage.domain.measures import Percentiles
from triage.domain.people_measures import ApprovalFigures, AskedApproval, Claim

READ_WORDS_PER_MINUTE = 240
"""How fast people read for the sense: studies of silent reading of English find about this much."""

_DECIDED = (ApprovalStatus.APPROVED, ApprovalStatus.EDITED, ApprovalStatus.REJECTED)
_MS_PER_MINUTE = 60_000


def approval_figures(
    asked: Sequence[AskedApproval],
    claims: Iterable[Claim],
    *,
    by: Callable[[AskedApproval], str | None] | None = None,
) -> list[ApprovalFigures]:
    """Return the figures of each group, the largest first; without ``by`` those of all, under the name None."""
    claimed: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        claimed[claim.approval_id].append(claim)
    groups: dict[str | None, list[AskedApproval]] = defaultdict(list)
    for approval in asked:
        groups[by(approval) if by else None].append(approval)
    if by is None:
        return [_figures(None, asked, claimed)]
    return sorted(
        (_figures(name, members, claimed) for name, members in groups.items() if name is not None),
        key=lambda figures: (-figures.asked, figures.name or ""),
    )


def reviewer_of(approval: AskedApproval) -> str | None:
    """Return who decided, None where nobody has."""
    return approval.decided_by if approval.status in _DECIDED else None


def brief_words(approval: AskedApproval) -> int:
    """Count the words that nobody can do without: message, summary, proposed arguments and the rule's sentence."""
    arguments = " ".join(str(value) for value in approval.arguments.values())
    return sum(len(text.split()) for text in (approval.message, approval.summary, arguments, approval.policy))


def reading_ms(approval: AskedApproval) -> float:
    """Return how long it takes to read the brief once."""
    return brief_words(approval) / READ_WORDS_PER_MINUTE * _MS_PER_MINUTE


def in_hand_ms(approval: AskedApproval, claims: Sequence[Claim]) -> float | None:
    """Return the time the person had for the decision, None where no person decided.

    It begins with their last claim before the decision. Without one it begins when they could first see the action:
    at the request, or at the agreement of the first of two people.
    """
    if approval.status not in _DECIDED or approval.decided_at is None:
        return None
    own = [claim.at for claim in claims if claim.person == approval.decided_by and claim.at <= approval.decided_at]
    return _ms(max([approval.endorsed_at or approval.created_at, *own]), approval.decided_at)


def percentiles_of(values: Iterable[float]) -> Percentiles:
    """Return the percentiles of some times, each in between the two nearest values."""
    ordered = sorted(values)
    if not ordered:
        return Percentiles()

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return Percentiles(count=len(ordered), p50_ms=at(0.5), p95_ms=at(0.95), p99_ms=at(0.99))


def _figures(
    name: str | None, asked: Sequence[AskedApproval], claimed: Mapping[str, Sequence[Claim]]
) -> ApprovalFigures:
    statuses = [approval.status for approval in asked]
    counts = {status.value: statuses.count(status) for status in ApprovalStatus if not status.is_open}
    had = [(approval, in_hand_ms(approval, claimed.get(approval.id, ()))) for approval in asked]
    firsts = [(approval, claimed[approval.id][0].at) for approval in asked if claimed.get(approval.id)]
    decided = [
        _ms(approval.created_at, approval.decided_at)
        for approval in asked
        if approval.status in _DECIDED and approval.decided_at is not None
    ]
    return ApprovalFigures(
        name=name,
        asked=len(asked),
        open=sum(status.is_open for status in statuses),
        hurried=sum(ms is not None and ms < reading_ms(approval) for approval, ms in had),
        to_claim=percentiles_of(_ms(approval.created_at, at) for approval, at in firsts),
        to_decide=percentiles_of(decided),
        in_hand=percentiles_of(ms for _, ms in had if ms is not None),
        **counts,
    )


def _ms(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() * 1000
