"""Who handed over to whom, and whether that was right."""

from __future__ import annotations

from datetime import timedelta

from storage.traces.measures.conditions import EVERYTHING, bucket_of, bucket_starts, events_where
from storage.traces.store import TraceStore
from triage.domain.measures import HandoffBucket, HandoffOutcomes, HandoffPath
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
_OUTCOMES = ", ".join(
    ["count(*) as handoffs"]
    + [
        f"count(*) filter (outcome = '{outcome}') as {outcome}"
        for outcome in ("bounced", "waiting", "rerouted", "unfinished", "successful")
    ]
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
        where, parameters = events_where(time_range, chosen)
        found = self._store.records(
            f"""
            {_JUDGED.format(where=where)}
            select from_agent, to_agent, {_OUTCOMES} from judged group by 1, 2 order by handoffs desc, 1, 2
            """,
            parameters,
        )
        return [HandoffPath(**record) for record in found]

    def over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[HandoffBucket]:
        """Return how handoffs ended by bucket, oldest first and without gaps."""
        where, parameters = events_where(time_range, chosen)
        found = self._store.records(
            f"{_JUDGED.format(where=where)} select {bucket_of('started_at')} as at, {_OUTCOMES} from judged group by 1",
            {**parameters, "step_s": step.total_seconds()},
        )
        buckets = {record["at"]: HandoffBucket(**record) for record in found}
        return [buckets.get(at, HandoffBucket(at=at)) for at in bucket_starts(time_range, step)]
