"""What guardrails checked and stopped, and what that took in time and money.

A check is a guardrail's own span, a trip a check that was triggered, whether it stopped the run or only a tool call.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson

from storage.traces.measures.conditions import (
    DURATION_US,
    EVERYTHING,
    UNPRICED,
    by_bucket,
    events_where,
    percentiles,
    quantiles_of,
)
from storage.traces.places import one_of_parts
from storage.traces.store import TraceStore
from triage.domain.measures import GuardrailUse, TripBucket, TripCount, TripPage, TripRow
from triage.domain.traces import MeasureFilter, TimeRange

_TRIP_COLUMNS = "trace_key, trace_id, part_no, span_id, guardrail, stage, verdict, started_at, duration_ms"


class GuardrailMeasures:
    """Questions about guardrails; each counts the checks that began in the range."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def use(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[GuardrailUse]:
        """Return checks, trips, time and cost of each guardrail, by name."""
        where, parameters = events_where(time_range, chosen)
        found = self._store.records(
            f"""
            select
                guardrail,
                count(*) as checks,
                count(*) filter (triggered) as trips,
                coalesce(sum(duration_ms), 0) as total_ms,
                {quantiles_of(DURATION_US, "true", name="times")}
            from checks where {where}
            group by 1 order by 1
            """,
            parameters,
        )
        costs = self._costs(time_range, chosen)
        nothing = {"calls": 0, "cost_usd": Decimal(0), "unpriced_calls": 0}
        return [
            GuardrailUse(times=percentiles(record, name="times"), **record, **costs.get(record["guardrail"], nothing))
            for record in found
        ]

    def _costs(self, time_range: TimeRange, chosen: MeasureFilter) -> dict[str, dict[str, Any]]:
        """Return what the model calls of each guardrail cost; the agents of a check are its own, so none is chosen."""
        where, parameters = events_where(time_range, replace(chosen, agents=()))
        found = self._store.records(
            f"""
            select guardrail, count(*) as calls, coalesce(sum(cost_usd), 0)::decimal(18, 9) as cost_usd,
                count(*) filter ({UNPRICED}) as unpriced_calls
            from model_calls where guardrail is not null and {where}
            group by 1
            """,
            parameters,
        )
        return {record.pop("guardrail"): record for record in found}

    def trips(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[TripCount]:
        """Return how often each guardrail tripped, by stage and verdict, most frequent first."""
        where, parameters = events_where(time_range, chosen)
        found = self._store.records(
            f"""
            select guardrail, stage, verdict, count(*) as trips
            from checks where triggered and {where}
            group by all order by trips desc, guardrail, stage, verdict
            """,
            parameters,
        )
        return [TripCount(**record) for record in found]

    def trips_over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[TripBucket]:
        """Return the same by bucket, oldest first; buckets without a trip are left out."""
        where, parameters = events_where(time_range, chosen)
        found = by_bucket(
            self._store,
            f"""
            select {{bucket}} as at, guardrail, stage, verdict, count(*) as trips
            from checks where triggered and {where}
            group by all order by 1, guardrail, stage, verdict
            """,
            parameters,
            column="started_at",
            step=step,
        )
        return [TripBucket(**record) for record in found]

    def list_trips(
        self,
        time_range: TimeRange,
        chosen: MeasureFilter = EVERYTHING,
        *,
        guardrails: tuple[str, ...] = (),
        verdicts: tuple[str, ...] = (),
        among: Collection[str] | None = None,
        without: Collection[str] = (),
        limit: int = 50,
        offset: int = 0,
    ) -> TripPage:
        """Return one page of the trips, newest first, with the reason and the message of each.

        ``among`` and ``without`` name trips: only those, and all but those.
        """
        where, parameters = events_where(time_range, chosen)
        if guardrails:
            where += " and list_contains($guardrails, guardrail)"
            parameters["guardrails"] = list(guardrails)
        if verdicts:
            where += " and list_contains($verdicts, verdict)"
            parameters["verdicts"] = list(verdicts)
        if among is not None:
            where += " and span_id in (select unnest($among))"
            parameters["among"] = list(among)
        if without:
            where += " and span_id not in (select unnest($without))"
            parameters["without"] = list(without)
        where = f"triggered and {where}"
        ((total,),) = self._store.rows(f"select count(*) from checks where {where}", parameters)
        found = self._store.records(
            f"""
            select page.* exclude (trace_key), runs.run_id, runs.conversation_id, runs.status, runs.category,
                runs.customer_email, runs.excerpt
            from (
                select {_TRIP_COLUMNS} from checks where {where}
                order by started_at desc, span_id limit $limit offset $offset
            ) page
            left join runs on runs.trace_key = page.trace_key
            order by page.started_at desc, page.span_id
            """,
            {**parameters, "limit": limit, "offset": offset},
        )
        reasons = self._reasons({record["span_id"]: record.pop("part_no") for record in found})
        rows = [
            TripRow(at=record.pop("started_at"), reason=reasons.get(record["span_id"]), **record) for record in found
        ]
        return TripPage(rows=rows, total=total)

    def _reasons(self, parts: dict[str, int]) -> dict[str, str]:
        """Return what the guardrails said in some spans, given with their parts, where their words are kept."""
        found = self._store.rows(
            f"select span_id, content from span_contents where {one_of_parts(parts.values())}"
            " and list_contains($span_ids, span_id)",
            {"span_ids": list(parts)},
        )
        words = {span_id: orjson.loads(content) for span_id, content in found if content}
        return {span_id: str(said["reason"]) for span_id, said in words.items() if said.get("reason")}
