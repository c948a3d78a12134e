"""What tools were called, how long that took and how it failed.

A call that waits for an approval leaves a paused span; the call itself is the second one, after the decision.
"""

from __future__ import annotations

from storage.traces.measures.conditions import DURATION_US, EVERYTHING, events_where, percentiles, quantiles_of
from storage.traces.store import TraceStore
from triage.domain.measures import ToolErrors, ToolUse
from triage.domain.traces import MeasureFilter, TimeRange


class ToolMeasures:
    """Questions about tools; each counts the calls that began in the range."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def use(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[ToolUse]:
        """Return calls, errors and times of each tool, the most used first."""
        where, parameters = events_where(time_range, chosen)
        found = self._store.records(
            f"""
            select
                tool,
                count(*) filter (not is_paused) as calls,
                count(error_kind) as errors,
                count(*) filter (is_paused) as paused,
                {quantiles_of(DURATION_US, "not is_paused", name="times")}
            from tool_calls where {where}
            group by 1 order by calls desc, 1
            """,
            parameters,
        )
        return [ToolUse(times=percentiles(record, name="times"), **record) for record in found]

    def errors(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[ToolErrors]:
        """Return how often each tool failed in which way, most frequent first."""
        where, parameters = events_where(time_range, chosen)
        found = self._store.records(
            f"""
            select tool, error_kind, count(*) as errors from tool_calls
            where error_kind is not null and {where}
            group by 1, 2 order by errors desc, 1, 2
            """,
            parameters,
        )
        return [ToolErrors(**record) for record in found]
