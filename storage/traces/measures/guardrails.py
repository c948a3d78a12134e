"""What guardrails checked and stopped, and what that took in time and money.

A check is a guardrail's own span, a trip a check that was triggered, whether it stopped the run or only a tool call.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from storage.traces.measures.conditions import (
    EVERYTHING,
    UNPRICED,
    bucket_of,
    percentiles,
    quantiles_of,
    spans_where,
)
from storage.traces.store import TraceStore
from triage.domain.measures import GuardrailUse, TripBucket, TripCount, TripPage, TripRow
from triage.domain.traces import MeasureFilter, TimeRange

_TRIP_COLUMNS = "trace_id, span_id, coalesce(guardrail, name) as guardrail, stage, verdict, started_at, duration_ms"


class GuardrailMeasures:
    """Questions about guardrails; each counts the checks that began in the range."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def use(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[GuardrailUse]:
        """Return checks, trips, time and cost of each guardrail, by name."""
        where, parameters = spans_where(time_range, chosen)
        found = self._store.records(
            f"""
            select
                guardrail,
                count(*) filter (kind = 'guardrail') as checks,
                count(*) filter (kind = 'guardrail' and triggered) as trips,
                coalesce(sum(duration_ms) filter (kind = 'guardrail'), 0) as total_ms,
                {quantiles_of("duration_ms", "kind = 'guardrail'", name="times")},
                count(*) filter (is_model_call) as calls,
                coalesce(sum(cost_usd) filter (is_model_call), 0)::decimal(18, 9) as cost_usd,
                count(*) filter (is_model_call and {UNPRICED}) as unpriced_calls
            from spans where guardrail is not null and {where}
            group by 1 order by 1
            """,
            parameters,
        )
        return [GuardrailUse(times=percentiles(record, name="times"), **record) for record in found]

    def trips(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[TripCount]:
        """Return how often each guardrail tripped, by stage and verdict, most frequent first."""
        where, parameters = spans_where(time_range, chosen)
        found = self._store.records(
            f"""
            select guardrail, stage, verdict, count(*) as trips
            from spans where kind = 'guardrail' and triggered and {where}
            group by all order by trips desc, guardrail, stage, verdict
            """,
            parameters,
        )
        return [TripCount(**record) for record in found]

    def trips_over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[TripBucket]:
        """Return the same by bucket, oldest first; buckets without a trip are left out."""
        where, parameters = spans_where(time_range, chosen)
        found = self._store.records(
            f"""
            select {bucket_of("started_at")} as at, guardrail, stage, verdict, count(*) as trips
            from spans where kind = 'guardrail' and triggered and {where}
            group by all order by at, guardrail, stage, verdict
            """,
            {**parameters, "step_s": step.total_seconds()},
        )
        return [TripBucket(**record) for record in found]

    def list_trips(
        self,
        time_range: TimeRange,
        chosen: MeasureFilter = EVERYTHING,
        *,
        guardrails: tuple[str, ...] = (),
        verdicts: tuple[str, ...] = (),
        limit: int = 50,
        offset: int = 0,
    ) -> TripPage:
        """Return one page of the trips, newest first, with the reason and the message of each."""
        where, parameters = spans_where(time_range, chosen)
        if guardrails:
            where += " and list_contains($guardrails, guardrail)"
            parameters["guardrails"] = list(guardrails)
        if verdicts:
            where += " and list_contains($verdicts, verdict)"
            parameters["verdicts"] = list(verdicts)
        where = f"kind = 'guardrail' and triggered and {where}"
        ((total,),) = self._store.rows(f"select count(*) from spans where {where}", parameters)
        found = self._store.records(
            f"""
            select page.*, runs.run_id, runs.conversation_id, runs.status, runs.category, runs.customer_email,
                runs.excerpt
            from (
                select {_TRIP_COLUMNS} from spans where {where}
                order by started_at desc, span_id limit $limit offset $offset
            ) page
            left join runs using (trace_id)
            order by started_at desc, span_id
            """,
            {**parameters, "limit": limit, "offset": offset},
        )
        reasons = self._reasons([record["span_id"] for record in found], [record["started_at"] for record in found])
        rows = [
            TripRow(at=record.pop("started_at"), reason=reasons.get(record["span_id"]), **record) for record in found
        ]
        return TripPage(rows=rows, total=total)

    def _reasons(self, span_ids: list[str], times: list[Any]) -> dict[str, str]:
        """Return what the guardrails said of some spans, where their words are kept."""
        if not span_ids:
            return {}
        found = self._store.rows(
            """
            select span_id, content from span_contents
            where list_contains($span_ids, span_id) and started_at >= $first and started_at <= $last
            """,
            {
                "span_ids": span_ids,
                "first": min(times).replace(tzinfo=None),
                "last": max(times).replace(tzinfo=None),
            },
        )
        words = {span_id: orjson.loads(content) for span_id, content in found if content}
        return {span_id: str(said["reason"]) for span_id, said in words.items() if said.get("reason")}
