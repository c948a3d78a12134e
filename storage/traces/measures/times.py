"""How long people wait for a result, the waiting for people left out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage.traces.measures.conditions import (
    EVERYTHING,
    bucket_starts,
    by_bucket,
    percentiles,
    quantiles_of,
    runs_where,
)
from storage.traces.store import TraceStore
from triage.domain.measures import Percentiles, RunTimes, RunTimesBucket
from triage.domain.traces import MeasureFilter, TimeRange

_ENDED = "ended_at is not null and status <> 'cancelled'"
_FIRST_EVENT_US = "epoch_us(first_event_at) - epoch_us(created_at)"
_TIMES = f"""
    {quantiles_of("active_ms * 1000", _ENDED, name="completion")},
    {quantiles_of("first_event_us", "first_event_us is not null", name="first_event")}
"""
_RUNS = f"select created_at, status, ended_at, active_ms, {_FIRST_EVENT_US} as first_event_us from runs"


class TimeMeasures:
    """Questions about times; each measures the runs that were submitted in the range."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def totals(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> RunTimes:
        """Return the percentiles of the time to completion and to the first event by an agent."""
        where, parameters = runs_where(time_range, chosen)
        (found,) = self._store.records(f"select {_TIMES} from ({_RUNS} where {where})", parameters)
        return RunTimes(**_times(found))

    def over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[RunTimesBucket]:
        """Return the same by bucket, oldest first and without gaps."""
        where, parameters = runs_where(time_range, chosen)
        found = by_bucket(
            self._store,
            f"select {{bucket}} as at, {_TIMES} from ({_RUNS} where {where}) group by 1",
            parameters,
            column="created_at",
            step=step,
        )
        buckets = {record["at"]: RunTimesBucket(at=record["at"], **_times(record)) for record in found}
        empty = {"completion": Percentiles(), "first_event": Percentiles()}
        return [buckets.get(at) or RunTimesBucket(at=at, **empty) for at in bucket_starts(time_range, step)]


def _times(record: dict[str, Any]) -> dict[str, Percentiles]:
    return {name: percentiles(record, name=name) for name in ("completion", "first_event")}
