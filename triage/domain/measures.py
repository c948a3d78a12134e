"""The figures of the dashboards: typed answers to one question each.

Runs count when they were submitted, calls, handoffs and checks when they began. Rates are from 0 to 1 and None where
there is nothing to divide by; percentiles are milliseconds and None where there is nothing to measure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, kw_only=True)
class RunTotals:
    """How many runs, by status; ``degraded`` ones were answered by the offline engine after all models had failed."""

    runs: int
    queued: int
    running: int
    awaiting_approval: int
    completed: int
    blocked: int
    failed: int
    cancelled: int
    degraded: int
    conversations: int
    turns: int

    @property
    def trip_rate(self) -> float | None:
        """The share of runs that a guardrail stopped."""
        return _share(self.blocked, self.runs)

    @property
    def failure_rate(self) -> float | None:
        """The share of runs that failed."""
        return _share(self.failed, self.runs)


@dataclass(frozen=True, kw_only=True)
class StatusCategory:
    """How many runs of a category are in a status; ``category`` is None where the run has no label."""

    status: str
    category: str | None
    runs: int


@dataclass(frozen=True, kw_only=True)
class RunBucket:
    """The runs that were submitted in one bucket of time; ``waiting`` are the queued, running and paused ones."""

    at: datetime
    runs: int = 0
    completed: int = 0
    blocked: int = 0
    failed: int = 0
    cancelled: int = 0
    waiting: int = 0


@dataclass(frozen=True, kw_only=True)
class ConversationTurns:
    """Turns of the agents (and runs, which are messages) in each conversation, counted over the runs of the range."""

    conversations: int
    runs: int
    turns: int
    p50: float | None
    p95: float | None
    longest: int

    @property
    def mean(self) -> float | None:
        """Turns in the average conversation."""
        return _share(self.turns, self.conversations)


@dataclass(frozen=True, kw_only=True)
class TurnBucket:
    """The conversations that had runs in one bucket, and the turns of these runs."""

    at: datetime
    conversations: int = 0
    turns: int = 0

    @property
    def mean(self) -> float | None:
        """Turns in the average conversation."""
        return _share(self.turns, self.conversations)


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What model calls used and cost; ``name`` is the model, agent, category or customer, None where there is none.

    Failed calls are ``calls`` and cost nothing; ``unpriced_calls`` were answered, have no price and are not in
    ``cost_usd``.
    """

    name: str | None
    calls: int = 0
    failed_calls: int = 0
    unpriced_calls: int = 0
    cost_usd: Decimal = Decimal(0)
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def cached_share(self) -> float | None:
        """The share of the tokens read that came out of the provider's cache."""
        return _share(self.cached_tokens, self.input_tokens)

    @staticmethod
    def total_of(parts: Iterable[Spending]) -> Spending:
        """Return the sum of some parts, under the name None."""
        listed = [Spending(name=None), *parts]
        names = [field.name for field in fields(Spending) if field.name != "name"]
        return Spending(name=None, **{name: sum(getattr(part, name) for part in listed) for name in names})


@dataclass(frozen=True, kw_only=True)
class SpendingBucket(Spending):
    """What the calls of one model that began in one bucket used and cost."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """Of ``count`` measured times, each in between the two nearest values."""

    count: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunTimes:
    """Active time of ended runs (not the cancelled ones), and from submission to the first event by an agent.

    Neither has waiting for people in it: no run waits for a person before its first event.
    """

    completion: Percentiles
    first_event: Percentiles


@dataclass(frozen=True, kw_only=True)
class RunTimesBucket(RunTimes):
    """The times of the runs that were submitted in one bucket."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class ToolUse:
    """The calls of one tool that were carried out; ``paused`` of them were put off for an approval and are no calls."""

    tool: str
    calls: int
    errors: int
    paused: int
    times: Percentiles

    @property
    def error_rate(self) -> float | None:
        """The share of calls that ended in an error."""
        return _share(self.errors, self.calls)


@dataclass(frozen=True, kw_only=True)
class ToolErrors:
    """How often a tool failed in one way."""

    tool: str
    error_kind: str
    errors: int


@dataclass(frozen=True, kw_only=True)
class HandoffOutcomes:
    """How handoffs ended; each counts once, in the first of these words that is true of it.

    ``bounced``: a later handoff in the run goes back to the agent that handed over. ``waiting``: the run has not ended.
    ``rerouted``: a person took the run over or corrected its category. ``unfinished``: the run ended without a result.
    ``successful``: none of these.
    """

    handoffs: int = 0
    bounced: int = 0
    waiting: int = 0
    rerouted: int = 0
    unfinished: int = 0
    successful: int = 0

    @property
    def success_rate(self) -> float | None:
        """The share of successful ones among those that can be judged, which is all but the waiting ones."""
        return _share(self.successful, self.handoffs - self.waiting)


@dataclass(frozen=True, kw_only=True)
class HandoffPath(HandoffOutcomes):
    """The handoffs from one agent to another."""

    from_agent: str
    to_agent: str


@dataclass(frozen=True, kw_only=True)
class HandoffBucket(HandoffOutcomes):
    """The handoffs that were made in one bucket."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class HandoffCourse:
    """The handoffs of one time range as a whole, by who handed over to whom, and by bucket."""

    totals: HandoffOutcomes
    paths: list[HandoffPath]
    by_time: list[HandoffBucket]


@dataclass(frozen=True, kw_only=True)
class GuardrailUse:
    """What one guardrail did: its checks, its trips, the time they took and what its own model calls cost."""

    guardrail: str
    checks: int
    trips: int
    total_ms: float
    times: Percentiles
    calls: int
    cost_usd: Decimal
    unpriced_calls: int

    @property
    def trip_rate(self) -> float | None:
        """The share of checks that tripped."""
        return _share(self.trips, self.checks)


@dataclass(frozen=True, kw_only=True)
class TripCount:
    """How often a guardrail tripped with a verdict (its kind)."""

    guardrail: str
    stage: str | None
    verdict: str | None
    trips: int


@dataclass(frozen=True, kw_only=True)
class TripBucket(TripCount):
    """The trips of a guardrail with a verdict in one bucket; buckets without any are left out."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class TripRow:
    """One trip in the list, with what the guardrail said of it and the beginning of the message."""

    trace_id: str
    span_id: str
    run_id: str | None
    conversation_id: str | None
    at: datetime
    guardrail: str
    stage: str | None
    verdict: str | None
    reason: str | None
    duration_ms: float
    status: str | None
    category: str | None
    customer_email: str | None
    excerpt: str | None


@dataclass(frozen=True, kw_only=True)
class TripPage:
    """A page of the list of trips, newest first, and how many there are in all."""

    rows: list[TripRow]
    total: int


@dataclass(frozen=True, kw_only=True)
class ModelReliability:
    """How a model did, by the name it has in the settings: tries, those that failed, and why they were made.

    ``retries`` are further tries of the same model after a passing fault, ``fallbacks`` tries made because the models
    before it in the chain did not answer.
    """

    model: str
    calls: int
    failed_calls: int
    retries: int
    fallbacks: int
    times: Percentiles

    @property
    def failure_rate(self) -> float | None:
        """The share of tries that failed."""
        return _share(self.failed_calls, self.calls)


@dataclass(frozen=True, kw_only=True)
class ReliabilityBucket:
    """The model calls that began in one bucket."""

    at: datetime
    calls: int = 0
    failed_calls: int = 0
    retries: int = 0
    fallbacks: int = 0
