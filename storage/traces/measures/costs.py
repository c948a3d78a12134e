"""What model calls used and cost.

All figures here count model calls by when they began, so those of any breakdown add up to the total.
"""

from __future__ import annotations

from datetime import timedelta

from storage.traces.measures.conditions import EVERYTHING, UNPRICED, bucket_of, calls_where
from storage.traces.store import TraceStore
from triage.domain.measures import Spending, SpendingBucket
from triage.domain.traces import MeasureFilter, TimeRange

_SUMS = f"""
    count(*) as calls,
    count(*) filter (not is_answered) as failed_calls,
    count(*) filter ({UNPRICED}) as unpriced_calls,
    coalesce(sum(cost_usd), 0)::decimal(18, 9) as cost_usd,
    coalesce(sum(input_tokens), 0)::bigint as input_tokens,
    coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
    coalesce(sum(output_tokens), 0)::bigint as output_tokens,
    coalesce(sum(reasoning_tokens), 0)::bigint as reasoning_tokens
"""
_CALL_COLUMNS = "trace_key, cost_usd, is_answered, input_tokens, cached_tokens, output_tokens, reasoning_tokens"


class CostMeasures:
    """Questions about cost and tokens."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def total(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> Spending:
        """Return what all calls used and cost, under the name None."""
        where, parameters = calls_where(time_range, chosen)
        (found,) = self._store.records(f"select {_SUMS} from model_calls where {where}", parameters)
        return Spending(name=None, **found)

    def by_model(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[Spending]:
        """Return usage and cost of each model, dearest first."""
        return self._by_column("model", time_range, chosen)

    def by_agent(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[Spending]:
        """Return usage and cost of each agent, dearest first."""
        return self._by_column("agent", time_range, chosen)

    def by_category(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[Spending]:
        """Return usage and cost of the runs of each category in force, dearest first."""
        return self._by_run_column("category", time_range, chosen, limit=None)

    def by_customer(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, limit: int | None = 20
    ) -> list[Spending]:
        """Return usage and cost of the ``limit`` customers that cost most, dearest first."""
        return self._by_run_column("customer_email", time_range, chosen, limit=limit)

    def over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[SpendingBucket]:
        """Return usage and cost by bucket and model (``name``), oldest first; only what there is."""
        where, parameters = calls_where(time_range, chosen)
        found = self._store.records(
            f"""
            select {bucket_of("started_at")} as at, model as name, {_SUMS} from model_calls where {where}
            group by 1, 2 order by 1, 2
            """,
            {**parameters, "step_s": step.total_seconds()},
        )
        return [SpendingBucket(**record) for record in found]

    def _by_column(self, column: str, time_range: TimeRange, chosen: MeasureFilter) -> list[Spending]:
        where, parameters = calls_where(time_range, chosen)
        found = self._store.records(
            f"""
            select {column} as name, {_SUMS} from model_calls where {where}
            group by 1 order by cost_usd desc, calls desc, name
            """,
            parameters,
        )
        return [Spending(**record) for record in found]

    def _by_run_column(
        self, column: str, time_range: TimeRange, chosen: MeasureFilter, *, limit: int | None
    ) -> list[Spending]:
        where, parameters = calls_where(time_range, chosen)
        found = self._store.records(
            f"""
            select runs.name, {_SUMS}
            from (select {_CALL_COLUMNS} from model_calls where {where}) calls
            left join (select trace_key, {column} as name from runs) runs using (trace_key)
            group by 1 order by cost_usd desc, calls desc, name limit $limit
            """,
            {**parameters, "limit": limit},
        )
        return [Spending(**record) for record in found]
