"""What the trace store returns: frozen values with aware UTC times, milliseconds and US dollars."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

TraceSort = Literal["created_at", "cost_usd", "active_ms", "turns", "input_tokens"]


@dataclass(frozen=True, kw_only=True)
class TimeRange:
    """From ``start`` (included) to ``end`` (not included), both aware."""

    start: datetime
    end: datetime

    @property
    def previous(self) -> TimeRange:
        """The range of the same length just before."""
        return TimeRange(start=self.start - (self.end - self.start), end=self.start)

    @property
    def parameters(self) -> dict[str, datetime]:
        """The bounds as the store compares them: UTC without a zone."""
        return {
            name: value.astimezone(UTC).replace(tzinfo=None)
            for name, value in (("start", self.start), ("end", self.end))
        }

    @classmethod
    def last(cls, length: timedelta, *, until: datetime) -> TimeRange:
        """Return the range of that length which ends at ``until``."""
        return cls(start=until - length, end=until)


@dataclass(frozen=True, kw_only=True)
class SpanRow:
    """One finished span; ``depth`` is 0 at the top of the tree, ``content`` what it says in words."""

    trace_id: str
    span_id: str
    parent_id: str | None
    run_id: str | None
    conversation_id: str | None
    segment: int | None
    kind: str
    name: str
    agent: str | None
    model: str | None
    tool: str | None
    guardrail: str | None
    stage: str | None
    verdict: str | None
    triggered: bool | None
    from_agent: str | None
    to_agent: str | None
    started_at: datetime
    ended_at: datetime
    duration_ms: float
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: Decimal | None
    is_model_call: bool
    is_paused: bool
    error_kind: str | None
    error: str | None
    content: dict[str, Any] = field(default_factory=dict)
    depth: int = 0

    @property
    def is_unpriced(self) -> bool:
        """Whether this is a model call that was answered, at least in part, and has no cost."""
        is_answered = self.error is None or self.output_tokens is not None
        return self.is_model_call and is_answered and self.cost_usd is None


@dataclass(frozen=True, kw_only=True)
class TraceFilter:
    """Which traces a list shows; an empty filter shows all. ``text`` looks into the content of the spans as well."""

    time_range: TimeRange | None = None
    statuses: tuple[str, ...] = ()
    agent: str | None = None
    model: str | None = None
    tool: str | None = None
    text: str = ""
    min_cost_usd: Decimal | None = None
    min_active_ms: int | None = None
    errors_only: bool = False


@dataclass(frozen=True, kw_only=True)
class TraceSummary:
    """One run in the list of traces, with what its spans add up to."""

    run_id: str
    trace_id: str
    conversation_id: str | None
    customer_email: str | None
    excerpt: str | None
    status: str
    category: str | None
    urgency: str | None
    last_agent: str | None
    cost_usd: Decimal
    unpriced_calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    turns: int
    active_ms: int
    waiting_ms: int | None
    trip_guardrail: str | None
    trip_verdict: str | None
    failure_code: str | None
    degraded: bool
    retry_of: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    span_count: int = 0
    error_count: int = 0
    tool_calls: int = 0
    agents: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TracePage:
    """A page of the list and how many traces the filter finds in all."""

    items: list[TraceSummary]
    total: int


@dataclass(frozen=True, kw_only=True)
class OverviewTotals:
    """The figures of a time range; percentiles are of active time and None where no run has ended."""

    runs: int
    completed: int
    blocked: int
    failed: int
    cancelled: int
    awaiting_approval: int
    degraded: int
    cost_usd: Decimal
    unpriced_calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    turns: int
    p50_ms: float | None
    p95_ms: float | None

    @property
    def trip_rate(self) -> float | None:
        """The share of runs that a guardrail stopped, from 0 to 1."""
        return self.blocked / self.runs if self.runs else None


@dataclass(frozen=True, kw_only=True)
class GuardrailTrips:
    """How often a guardrail stopped a run with a verdict."""

    guardrail: str
    stage: str
    verdict: str
    trips: int
