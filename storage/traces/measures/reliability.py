"""How often models failed, were asked again, and were replaced by the next one."""

from __future__ import annotations

from datetime import timedelta

from storage.traces.measures.conditions import (
    DURATION_US,
    EVERYTHING,
    bucket_starts,
    by_bucket,
    calls_where,
    percentiles,
    quantiles_of,
)
from storage.traces.store import TraceStore
from triage.domain.measures import ModelReliability, ReliabilityBucket
from triage.domain.traces import MeasureFilter, TimeRange

_COUNTS = """
    count(*) as calls,
    count(*) filter (not is_answered) as failed_calls,
    count(*) filter (is_retry) as retries,
    count(*) filter (is_fallback) as fallbacks
"""


class ReliabilityMeasures:
    """Questions about fallbacks and retries; each counts the model calls that began in the range."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def by_model(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[ModelReliability]:
        """Return tries, failures, retries and fallbacks of each model, the most used first."""
        where, parameters = calls_where(time_range, chosen)
        found = self._store.records(
            f"""
            select coalesce(asked_model, model, 'unknown') as model, {_COUNTS},
                {quantiles_of(DURATION_US, "is_answered", name="times")}
            from model_calls where {where}
            group by 1 order by calls desc, 1
            """,
            parameters,
        )
        return [ModelReliability(times=percentiles(record, name="times"), **record) for record in found]

    def over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[ReliabilityBucket]:
        """Return the same counts of all models by bucket, oldest first and without gaps."""
        where, parameters = calls_where(time_range, chosen)
        found = by_bucket(
            self._store,
            f"select {{bucket}} as at, {_COUNTS} from model_calls where {where} group by 1",
            parameters,
            column="started_at",
            step=step,
        )
        buckets = {record["at"]: ReliabilityBucket(**record) for record in found}
        return [buckets.get(at, ReliabilityBucket(at=at)) for at in bucket_starts(time_range, step)]
