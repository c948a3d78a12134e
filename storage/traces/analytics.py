"""What the dashboards ask: one function per question.

Runs count by when they were submitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from storage.traces.store import TraceStore
from triage.domain.traces import TimeRange


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


_TOTALS = """
    select
        count(*) as runs,
        count(*) filter (status = 'completed') as completed,
        count(*) filter (status = 'blocked') as blocked,
        count(*) filter (status = 'failed') as failed,
        count(*) filter (status = 'cancelled') as cancelled,
        count(*) filter (status = 'awaiting_approval') as awaiting_approval,
        count(*) filter (degraded) as degraded,
        coalesce(sum(cost_usd), 0)::decimal(18, 9) as cost_usd,
        coalesce(sum(unpriced_calls), 0)::bigint as unpriced_calls,
        coalesce(sum(input_tokens), 0)::bigint as input_tokens,
        coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
        coalesce(sum(output_tokens), 0)::bigint as output_tokens,
        coalesce(sum(turns), 0)::bigint as turns,
        quantile_cont(active_ms, 0.5) filter (ended_at is not null and status <> 'cancelled') as p50_ms,
        quantile_cont(active_ms, 0.95) filter (ended_at is not null and status <> 'cancelled') as p95_ms
    from runs
    where created_at >= $start and created_at < $end
"""


def totals(store: TraceStore, time_range: TimeRange) -> OverviewTotals:
    """Return the totals of the range; take ``time_range.previous`` for the period before."""
    return OverviewTotals(**store.records(_TOTALS, time_range.parameters)[0])


def trips_by_guardrail(store: TraceStore, time_range: TimeRange) -> list[GuardrailTrips]:
    """Return how many runs each guardrail stopped, by stage and verdict, most frequent first."""
    found = store.records(
        """
        select trip_guardrail as guardrail, trip_stage as stage, trip_verdict as verdict, count(*) as trips
        from runs
        where trip_guardrail is not null and created_at >= $start and created_at < $end
        group by all order by trips desc, guardrail, stage, verdict
        """,
        time_range.parameters,
    )
    return [GuardrailTrips(**record) for record in found]


def list_names(store: TraceStore, kind: str) -> list[str]:
    """Return the names of a kind (agent, model, tool or guardrail) that ever occurred, in alphabetical order."""
    return [name for (name,) in store.rows("select name from names where kind = ? order by name", [kind])]
