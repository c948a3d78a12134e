"""Who handed over to whom, and whether that was right."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from storage.traces.measures.conditions import EVERYTHING, bucket_starts, by_bucket, events_where
from storage.traces.store import TraceStore
from triage.domain.measures import HandoffBucket, HandoffCourse, HandoffOutcomes, HandoffPath
from triage.domain.traces import MeasureFilter, TimeRange

# Most runs ended well, so only the others are joined.
# A handoff bounced when a later one of the same trace goes back to the agent that handed over.
_JUDGED = """
    with chosen as (
        select trace_key, from_agent, to_agent, started_at from handoffs where {where}
    ),
    returns as (
        select trace_key, to_agent as agent, max(started_at) as last_at
        from handoffs where started_at >= $start and to_agent in (select distinct from_agent from handoffs)
        group by all
    ),
    judged as (
        select chosen.started_at, chosen.from_agent, chosen.to_agent,
            case
                when returns.last_at > chosen.started_at then 'bounced'
                when runs.status in ('queued', 'running', 'awaiting_approval') then 'waiting'
                when runs.is_rerouted then 'rerouted'
                when runs.status is not null and runs.status <> 'completed' then 'unfinished'
                else 'successful'
            end as outcome
        from chosen
        left join returns on returns.trace_key = chosen.trace_key and returns.agent = chosen.from_agent
        left join (
            select trace_key, status, is_rerouted from runs where status <> 'completed' or is_rerouted
        ) runs on runs.trace_key = chosen.trace_key
    )
"""
_ENDS = ("bounced", "waiting", "rerouted", "unfinished", "successful")
_NAMES = ("handoffs", *_ENDS)
_OUTCOMES = ", ".join(
    ["count(*) as handoffs", *(f"count(*) filter (outcome = '{outcome}') as {outcome}" for outcome in _ENDS)]
)


class HandoffMeasures:
    """Questions about handoffs; each counts the handoffs that were made in the range."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def totals(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> HandoffOutcomes:
        """Return how all handoffs ended."""
        where, parameters = events_where(time_range, chosen)
        (found,) = self._store.records(f"{_JUDGED.format(where=where)} select {_OUTCOMES} from judged", parameters)
        return HandoffOutcomes(**found)

    def paths(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[HandoffPath]:
        """Return how the handoffs from one agent to another ended, most frequent first."""
        return self.course(time_range, chosen, step=time_range.end - time_range.start).paths

    def over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[HandoffBucket]:
        """Return how handoffs ended by bucket, oldest first and without gaps."""
        return self.course(time_range, chosen, step=step).by_time

    def course(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta) -> HandoffCourse:
        """Return totals, paths and buckets together: each handoff is judged once."""
        where, parameters = events_where(time_range, chosen)
        found = by_bucket(
            self._store,
            f"""
            {_JUDGED.format(where=where)}
            select {{bucket}} as at, from_agent, to_agent, {_OUTCOMES} from judged group by 1, 2, 3
            """,
            parameters,
            column="started_at",
            step=step,
        )
        total = Counter[str]()
        paths: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        buckets: dict[datetime, Counter[str]] = defaultdict(Counter)
        for record in found:
            outcomes = {name: record[name] for name in _NAMES}
            total.update(outcomes)
            paths[record["from_agent"], record["to_agent"]].update(outcomes)
            buckets[record["at"]].update(outcomes)
        by_path = [
            HandoffPath(from_agent=from_agent, to_agent=to_agent, **outcomes)
            for (from_agent, to_agent), outcomes in paths.items()
        ]
        return HandoffCourse(
            totals=HandoffOutcomes(**total),
            paths=sorted(by_path, key=lambda path: (-path.handoffs, path.from_agent, path.to_agent)),
            by_time=[HandoffBucket(at=at, **buckets[at]) for at in bucket_starts(time_range, step)],
        )
