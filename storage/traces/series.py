"""Figures over time: how runs and model calls of a range spread over its buckets, and how the runs ended.

Buckets are aligned to UTC and come without gaps, so that a quiet hour is drawn as a quiet hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from storage.traces.store import TraceStore
from triage.domain.traces import TimeRange

_EPOCH = datetime(2000, 1, 3, tzinfo=UTC)
"""Where DuckDB's ``time_bucket`` starts to count; a Monday, so that weeks begin as people expect."""


@dataclass(frozen=True, kw_only=True)
class RunBucket:
    """The runs that were submitted in one bucket; the percentiles of active time are None where none has ended."""

    at: datetime
    runs: int = 0
    trips: int = 0
    failed: int = 0
    cost_usd: Decimal = Decimal(0)
    p50_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class ModelBucket:
    """The calls of one model that began in one bucket; ``unpriced_calls`` are not in ``cost_usd``."""

    at: datetime
    model: str
    calls: int
    cost_usd: Decimal
    unpriced_calls: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class StatusCategory:
    """How many runs of a category are in a status; ``category`` is None where the run has no label."""

    status: str
    category: str | None
    runs: int


def run_series(store: TraceStore, time_range: TimeRange, *, step: timedelta) -> list[RunBucket]:
    """Return the runs of the range by bucket, oldest first; cancelled runs have no part in the percentiles."""
    found = store.records(
        """
        select
            time_bucket(to_seconds($step_s), created_at) as at,
            count(*) as runs,
            count(*) filter (status = 'blocked') as trips,
            count(*) filter (status = 'failed') as failed,
            coalesce(sum(cost_usd), 0)::decimal(18, 9) as cost_usd,
            quantile_cont(active_ms, 0.5) filter (ended_at is not null and status <> 'cancelled') as p50_ms,
            quantile_cont(active_ms, 0.95) filter (ended_at is not null and status <> 'cancelled') as p95_ms
        from runs
        where created_at >= $start and created_at < $end
        group by 1
        """,
        {**time_range.parameters, "step_s": step.total_seconds()},
    )
    buckets = {bucket.at: bucket for bucket in (RunBucket(**record) for record in found)}
    return [buckets.get(at, RunBucket(at=at)) for at in _starts(time_range, step)]


def model_series(store: TraceStore, time_range: TimeRange, *, step: timedelta) -> list[ModelBucket]:
    """Return the model calls of the range by bucket and model, oldest first; only model-call spans count.

    A call that was answered and has no cost is unpriced, as on the run; a failed one is a call and costs nothing.
    """
    found = store.records(
        """
        select
            time_bucket(to_seconds($step_s), started_at) as at,
            coalesce(model, 'unknown') as model,
            count(*) as calls,
            coalesce(sum(cost_usd), 0)::decimal(18, 9) as cost_usd,
            count(*) filter (cost_usd is null and (error is null or output_tokens is not null)) as unpriced_calls,
            coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0)::bigint as tokens
        from spans
        where is_model_call and started_at >= $start and started_at < $end
        group by 1, 2 order by 1, 2
        """,
        {**time_range.parameters, "step_s": step.total_seconds()},
    )
    return [ModelBucket(**record) for record in found]


def runs_by_status_and_category(store: TraceStore, time_range: TimeRange) -> list[StatusCategory]:
    """Return how many runs of the range are in each status, by the category in force."""
    found = store.records(
        """
        select status, category, count(*) as runs from runs
        where created_at >= $start and created_at < $end
        group by all order by runs desc, status, category
        """,
        time_range.parameters,
    )
    return [StatusCategory(**record) for record in found]


def models_by_first_use(store: TraceStore) -> list[str]:
    """Return every model that was ever called, the first one first: an order that later models leave as it is."""
    found = store.rows("select name from names where kind = 'model' order by first_at, name")
    return [name for (name,) in found]


def _starts(time_range: TimeRange, step: timedelta) -> Iterator[datetime]:
    """Yield the start of every bucket that the range touches."""
    at = _EPOCH + (time_range.start - _EPOCH) // step * step
    while at < time_range.end:
        yield at
        at += step
