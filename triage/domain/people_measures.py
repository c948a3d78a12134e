"""What people did with the work of the agents: decisions on actions, and corrections of labels, as figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from triage.domain.approvals import ApprovalStatus
from triage.domain.measures import Percentiles

LabelField = Literal["category", "urgency"]


@dataclass(frozen=True, kw_only=True)
class AskedApproval:
    """An action that people were asked about, with the words of its brief that every reviewer has to read."""

    id: str
    tool: str
    status: ApprovalStatus
    created_at: datetime
    endorsed_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    message: str
    summary: str
    policy: str
    arguments: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Somebody took an approval to decide it."""

    approval_id: str
    person: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ApprovalFigures:
    """What became of the actions that people were asked about; ``name`` is a tool, a reviewer, or None for all.

    ``to_claim`` and ``to_decide`` are from the request, ``in_hand`` is the time the person had for the decision, and
    ``hurried`` are the decisions that came sooner than the brief can be read.
    """

    name: str | None
    asked: int = 0
    approved: int = 0
    edited: int = 0
    rejected: int = 0
    expired: int = 0
    cancelled: int = 0
    open: int = 0
    hurried: int = 0
    to_claim: Percentiles = field(default_factory=Percentiles)
    to_decide: Percentiles = field(default_factory=Percentiles)
    in_hand: Percentiles = field(default_factory=Percentiles)

    @property
    def decided(self) -> int:
        """How many a person decided."""
        return self.approved + self.edited + self.rejected

    @property
    def approval_rate(self) -> float | None:
        """The share of decisions that let the action happen, as proposed or edited."""
        return _share(self.approved + self.edited, self.decided)

    @property
    def edit_rate(self) -> float | None:
        """The share of decisions that changed the action."""
        return _share(self.edited, self.decided)

    @property
    def reject_rate(self) -> float | None:
        """The share of decisions that refused the action."""
        return _share(self.rejected, self.decided)

    @property
    def expiry_rate(self) -> float | None:
        """The share that nobody decided in time, of all that were decided or ran out."""
        return _share(self.expired, self.decided + self.expired)


@dataclass(frozen=True, kw_only=True)
class LabelPair:
    """How many runs the agents labelled ``said`` and have the label ``now`` in force; they differ where corrected."""

    said: str | None
    now: str
    runs: int


@dataclass(frozen=True, kw_only=True)
class LabelMatrix:
    """The labels of one kind: what the agents said against what is in force."""

    label: LabelField
    pairs: tuple[LabelPair, ...] = ()

    @property
    def runs(self) -> int:
        """How many runs have a label."""
        return sum(pair.runs for pair in self.pairs)

    @property
    def corrected(self) -> int:
        """How many have another label in force than the agents gave."""
        return sum(pair.runs for pair in self.pairs if pair.said != pair.now)

    @property
    def correction_rate(self) -> float | None:
        """The share of labels that people changed."""
        return _share(self.corrected, self.runs)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
