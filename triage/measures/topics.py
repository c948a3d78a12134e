"""What the parts of the overview show, each with all its answers, for one time range and filter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from triage.domain.measures import (
    ConversationTurns,
    HandoffBucket,
    HandoffOutcomes,
    HandoffPath,
    ModelReliability,
    ReliabilityBucket,
    RunBucket,
    RunTimes,
    RunTimesBucket,
    RunTotals,
    Spending,
    SpendingBucket,
    StatusCategory,
    ToolErrors,
    ToolUse,
    TripCount,
    TurnBucket,
)
from triage.domain.people_measures import ApprovalFigures, LabelMatrix
from triage.domain.traces import MeasureFilter, TimeRange


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which time, which part of the work, and the width of the buckets of time."""

    time_range: TimeRange
    chosen: MeasureFilter = field(default_factory=MeasureFilter)
    step: timedelta


@dataclass(frozen=True, kw_only=True)
class Head:
    """The figures of the range beside those of the period before, their course, and when they were read."""

    runs: RunTotals
    runs_before: RunTotals
    spending: Spending
    spending_before: Spending
    times: RunTimes
    times_before: RunTimes
    runs_by_time: list[RunBucket]
    spending_by_time: list[SpendingBucket]
    times_by_time: list[RunTimesBucket]
    read_at: datetime

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in the range."""
        return not self.runs.runs and not self.spending.calls


@dataclass(frozen=True, kw_only=True)
class RunTopic:
    """Which runs there were, how long conversations are, and what guardrails stopped."""

    outcomes: list[StatusCategory]
    turns: ConversationTurns
    turns_before: ConversationTurns
    turns_by_time: list[TurnBucket]
    trips: list[TripCount]


@dataclass(frozen=True, kw_only=True)
class CostTopic:
    """Where cost and tokens go."""

    models: list[Spending]
    agents: list[Spending]
    categories: list[Spending]
    customers: list[Spending]


@dataclass(frozen=True, kw_only=True)
class HandoffTopic:
    """Who handed over to whom, and how that ended."""

    totals: HandoffOutcomes
    before: HandoffOutcomes
    paths: list[HandoffPath]
    by_time: list[HandoffBucket]


@dataclass(frozen=True, kw_only=True)
class ToolTopic:
    """What tools and models were asked, and how they failed."""

    tools: list[ToolUse]
    errors: list[ToolErrors]
    models: list[ModelReliability]
    models_by_time: list[ReliabilityBucket]


@dataclass(frozen=True, kw_only=True)
class PeopleTopic:
    """What people decided and corrected; ``reviewers`` are those that the asker may see."""

    approvals: ApprovalFigures
    approvals_before: ApprovalFigures
    let_pass: int
    tools: list[ApprovalFigures]
    reviewers: list[ApprovalFigures]
    sees_everybody: bool
    category: LabelMatrix
    urgency: LabelMatrix
