"""What the dashboards ask: one function per question.

Runs count by when they were submitted, calls and checks by when they began.
"""

from __future__ import annotations

from storage.traces.store import TraceStore
from storage.traces.values import GuardrailChecks, GuardrailTrips, LatencyDay, ModelDay, OverviewTotals, TimeRange

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


def runs_by_status(store: TraceStore, time_range: TimeRange) -> dict[str, int]:
    """Return the number of runs by status word, most frequent first."""
    found = store.rows(
        """
        select status, count(*) from runs
        where created_at >= $start and created_at < $end
        group by status order by count(*) desc, status
        """,
        time_range.parameters,
    )
    return dict(found)


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


def guardrail_checks(store: TraceStore, time_range: TimeRange) -> list[GuardrailChecks]:
    """Return how often each guardrail looked and how long it took in milliseconds."""
    found = store.records(
        """
        select
            guardrail,
            count(*) as checks,
            count(*) filter (triggered) as triggered,
            quantile_cont(duration_ms, 0.5) as p50_ms
        from spans
        where kind = 'guardrail' and started_at >= $start and started_at < $end
        group by guardrail order by guardrail
        """,
        time_range.parameters,
    )
    return [GuardrailChecks(**record) for record in found]


def cost_by_model_and_day(store: TraceStore, time_range: TimeRange) -> list[ModelDay]:
    """Return cost in US dollars, tokens and calls by model and day (UTC), days ascending.

    Only model-call spans count, because turns and tasks repeat their tokens. A failed call without tokens is a call,
    but neither priced nor unpriced.
    """
    found = store.records(
        """
        select
            started_at::date as day,
            coalesce(model, 'unknown') as model,
            count(*) as calls,
            coalesce(sum(cost_usd), 0)::decimal(18, 9) as cost_usd,
            count(*) filter (cost_usd is null and output_tokens is not null) as unpriced_calls,
            coalesce(sum(input_tokens), 0)::bigint as input_tokens,
            coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
            coalesce(sum(output_tokens), 0)::bigint as output_tokens
        from spans
        where is_model_call and started_at >= $start and started_at < $end
        group by 1, 2 order by day, model
        """,
        time_range.parameters,
    )
    return [ModelDay(**record) for record in found]


def latency_by_day(store: TraceStore, time_range: TimeRange) -> list[LatencyDay]:
    """Return p50 and p95 of the active time of ended runs in milliseconds by day (UTC); cancelled ones do not count."""
    found = store.records(
        """
        select
            created_at::date as day,
            count(*) as runs,
            quantile_cont(active_ms, 0.5) as p50_ms,
            quantile_cont(active_ms, 0.95) as p95_ms
        from runs
        where ended_at is not null and status <> 'cancelled' and created_at >= $start and created_at < $end
        group by day order by day
        """,
        time_range.parameters,
    )
    return [LatencyDay(**record) for record in found]


def list_models(store: TraceStore) -> list[str]:
    """Return the models that were ever called, by name."""
    return [name for (name,) in store.rows("select distinct model from spans where model is not null order by model")]


def list_agents(store: TraceStore) -> list[str]:
    """Return the agents that ever worked, by name."""
    return [name for (name,) in store.rows("select distinct agent from spans where agent is not null order by agent")]


def list_tools(store: TraceStore) -> list[str]:
    """Return the tools that were ever called, by name."""
    return [name for (name,) in store.rows("select distinct tool from spans where tool is not null order by tool")]
