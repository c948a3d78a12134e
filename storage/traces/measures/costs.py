"""What model calls used and cost.

All figures here count model calls by when they began, so those of any breakdown add up to the total.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage.traces.measures.conditions import EVERYTHING, UNPRICED, by_bucket, calls_where
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
_SUMS_OF_SUMS = """
    sum(calls)::bigint as calls,
    sum(failed_calls)::bigint as failed_calls,
    sum(unpriced_calls)::bigint as unpriced_calls,
    sum(cost_usd)::decimal(18, 9) as cost_usd,
    sum(input_tokens)::bigint as input_tokens,
    sum(cached_tokens)::bigint as cached_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(reasoning_tokens)::bigint as reasoning_tokens
"""
_DEAREST_FIRST = "order by cost_usd desc, calls desc, name"


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
        return self._of_calls(time_range, chosen, "model")["model"]

    def by_agent(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[Spending]:
        """Return usage and cost of each agent, dearest first."""
        return self._of_calls(time_range, chosen, "agent")["agent"]

    def by_model_and_agent(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING
    ) -> tuple[list[Spending], list[Spending]]:
        """Return both at the cost of little more than one."""
        found = self._of_calls(time_range, chosen, "model", "agent")
        return found["model"], found["agent"]

    def by_category(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[Spending]:
        """Return usage and cost of the runs of each category in force, dearest first."""
        return self._of_runs(time_range, chosen, "category", limit=None)["category"]

    def by_customer(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, limit: int | None = 20
    ) -> list[Spending]:
        """Return usage and cost of the ``limit`` customers that cost most, dearest first."""
        return self._of_runs(time_range, chosen, "customer_email", limit=limit)["customer_email"]

    def by_category_and_customer(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, limit: int | None = 20
    ) -> tuple[list[Spending], list[Spending]]:
        """Return both at the cost of little more than one; of customers and of categories the ``limit`` dearest."""
        found = self._of_runs(time_range, chosen, "category", "customer_email", limit=limit)
        return found["category"], found["customer_email"]

    def over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[SpendingBucket]:
        """Return usage and cost by bucket and model (``name``), oldest first; only what there is."""
        where, parameters = calls_where(time_range, chosen)
        found = by_bucket(
            self._store,
            f"""
            select {{bucket}} as at, model as name, {_SUMS} from model_calls where {where}
            group by 1, 2 order by 1, 2
            """,
            parameters,
            column="started_at",
            step=step,
        )
        return [SpendingBucket(**record) for record in found]

    def _of_calls(self, time_range: TimeRange, chosen: MeasureFilter, *columns: str) -> dict[str, list[Spending]]:
        """Return the breakdown by each of some columns of the calls."""
        where, parameters = calls_where(time_range, chosen)
        return self._broken_down(columns, f"{_SUMS} from model_calls where {where}", parameters, limit=None)

    def _of_runs(
        self, time_range: TimeRange, chosen: MeasureFilter, *columns: str, limit: int | None
    ) -> dict[str, list[Spending]]:
        """Return the breakdown by each of some columns of the runs; calls without a run are under None.

        Looking for the run of a call is most of the work, so the calls of each trace are added up before.
        """
        where, parameters = calls_where(time_range, chosen)
        sums = f"""
            {_SUMS_OF_SUMS}
            from (select trace_key, {_SUMS} from model_calls where {where} group by trace_key) spent
            left join (select trace_key, {", ".join(columns)} from runs) runs using (trace_key)
        """
        return self._broken_down(columns, sums, parameters, limit=limit)

    def _broken_down(
        self, columns: tuple[str, ...], sums: str, parameters: dict[str, Any], *, limit: int | None
    ) -> dict[str, list[Spending]]:
        """Return the ``limit`` dearest rows by each column, all from one reading."""
        of_column = [(column, f"when grouping({column}) = 0 then") for column in columns]
        records = self._store.records(
            f"""
            select * from (
                select case {" ".join(f"{when} '{column}'" for column, when in of_column)} end as breakdown,
                    case {" ".join(f"{when} {column}" for column, when in of_column)} end as name, {sums}
                group by grouping sets ({", ".join(f"({column})" for column in columns)})
            )
            qualify $limit is null or row_number() over (partition by breakdown {_DEAREST_FIRST}) <= $limit
            {_DEAREST_FIRST}
            """,
            {**parameters, "limit": limit},
        )
        found: dict[str, list[Spending]] = {column: [] for column in columns}
        for record in records:
            found[record.pop("breakdown")].append(Spending(**record))
        return found
