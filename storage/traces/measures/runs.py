"""How many runs there were, how they ended, and how long conversations become."""

from __future__ import annotations

from datetime import timedelta

from storage.traces.measures.conditions import EVERYTHING, bucket_starts, by_bucket, runs_where
from storage.traces.store import TraceStore
from triage.domain.measures import ConversationTurns, RunBucket, RunTotals, StatusCategory, TurnBucket
from triage.domain.traces import MeasureFilter, TimeRange


class RunMeasures:
    """Questions about runs; each counts the runs that were submitted in the range."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def totals(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> RunTotals:
        """Return how many runs there were in all and in each status."""
        where, parameters = runs_where(time_range, chosen)
        (found,) = self._store.records(
            f"""
            select
                count(*) as runs,
                count(*) filter (status = 'queued') as queued,
                count(*) filter (status = 'running') as running,
                count(*) filter (status = 'awaiting_approval') as awaiting_approval,
                count(*) filter (status = 'completed') as completed,
                count(*) filter (status = 'blocked') as blocked,
                count(*) filter (status = 'failed') as failed,
                count(*) filter (status = 'cancelled') as cancelled,
                count(*) filter (degraded) as degraded,
                count(distinct conversation_id) as conversations,
                coalesce(sum(turns), 0)::bigint as turns
            from runs where {where}
            """,
            parameters,
        )
        return RunTotals(**found)

    def by_status_and_category(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> list[StatusCategory]:
        """Return how many runs are in each status, by the category in force, most frequent first."""
        where, parameters = runs_where(time_range, chosen)
        found = self._store.records(
            f"""
            select status, category, count(*) as runs from runs where {where}
            group by all order by runs desc, status, category
            """,
            parameters,
        )
        return [StatusCategory(**record) for record in found]

    def over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[RunBucket]:
        """Return the runs by bucket and how they ended, oldest first and without gaps."""
        where, parameters = runs_where(time_range, chosen)
        found = by_bucket(
            self._store,
            f"""
            select
                {{bucket}} as at,
                count(*) as runs,
                count(*) filter (status = 'completed') as completed,
                count(*) filter (status = 'blocked') as blocked,
                count(*) filter (status = 'failed') as failed,
                count(*) filter (status = 'cancelled') as cancelled,
                count(*) filter (status in ('queued', 'running', 'awaiting_approval')) as waiting
            from runs where {where}
            group by 1
            """,
            parameters,
            column="created_at",
            step=step,
        )
        buckets = {record["at"]: RunBucket(**record) for record in found}
        return [buckets.get(at, RunBucket(at=at)) for at in bucket_starts(time_range, step)]

    def conversation_turns(self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING) -> ConversationTurns:
        """Return how many turns of agents a conversation takes."""
        where, parameters = runs_where(time_range, chosen)
        (found,) = self._store.records(
            f"""
            select
                count(*) as conversations,
                coalesce(sum(runs), 0)::bigint as runs,
                coalesce(sum(turns), 0)::bigint as turns,
                quantile_cont(turns, 0.5) as p50,
                quantile_cont(turns, 0.95) as p95,
                coalesce(max(turns), 0)::bigint as longest
            from (
                select count(*) as runs, coalesce(sum(turns), 0) as turns
                from runs where conversation_id is not null and {where}
                group by conversation_id
            )
            """,
            parameters,
        )
        return ConversationTurns(**found)

    def turns_over_time(
        self, time_range: TimeRange, chosen: MeasureFilter = EVERYTHING, *, step: timedelta
    ) -> list[TurnBucket]:
        """Return conversations and turns by bucket, oldest first and without gaps."""
        where, parameters = runs_where(time_range, chosen)
        found = by_bucket(
            self._store,
            f"""
            select
                {{bucket}} as at,
                count(distinct conversation_id) as conversations,
                coalesce(sum(turns), 0)::bigint as turns
            from runs where conversation_id is not null and {where}
            group by 1
            """,
            parameters,
            column="created_at",
            step=step,
        )
        buckets = {record["at"]: TurnBucket(**record) for record in found}
        return [buckets.get(at, TurnBucket(at=at)) for at in bucket_starts(time_range, step)]
