"""Everything that pages ask of the trace store, in plain arguments, so that they need to know no other part of it."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from storage.traces import analytics, reading, series
from storage.traces.store import TraceStore
from storage.traces.values import (
    GuardrailTrips,
    OverviewTotals,
    SpanRow,
    TimeRange,
    TraceFilter,
    TracePage,
    TraceSort,
    TraceSummary,
)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The figures of one time range beside those of the period before, and their course."""

    totals: OverviewTotals
    before: OverviewTotals
    runs: list[series.RunBucket]
    models: list[series.ModelBucket]
    outcomes: list[series.StatusCategory]
    trips: list[GuardrailTrips]
    known_models: list[str]


@dataclass(frozen=True, kw_only=True)
class TraceChoices:
    """What the list of traces can be filtered by."""

    agents: list[str]
    models: list[str]
    tools: list[str]


class TraceQueries:
    """The trace store, for reading."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def overview(self, *, length: timedelta, until: datetime, step: timedelta) -> Overview:
        """Return the figures of the range of that length which ends at ``until``, in buckets of ``step``."""
        time_range = TimeRange.last(length, until=until)
        return Overview(
            totals=analytics.totals(self._store, time_range),
            before=analytics.totals(self._store, time_range.previous),
            runs=series.run_series(self._store, time_range, step=step),
            models=series.model_series(self._store, time_range, step=step),
            outcomes=series.runs_by_status_and_category(self._store, time_range),
            trips=analytics.trips_by_guardrail(self._store, time_range),
            known_models=series.models_by_first_use(self._store),
        )

    def choices(self) -> TraceChoices:
        """Return the agents, models and tools that the store knows."""
        return TraceChoices(
            agents=analytics.list_agents(self._store),
            models=analytics.list_models(self._store),
            tools=analytics.list_tools(self._store),
        )

    def list(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        statuses: tuple[str, ...] = (),
        agent: str | None = None,
        model: str | None = None,
        tool: str | None = None,
        text: str = "",
        min_cost_usd: Decimal | None = None,
        min_active_ms: int | None = None,
        errors_only: bool = False,
        sort: TraceSort = "created_at",
        descending: bool = True,
        limit: int = 50,
        offset: int = 0,
    ) -> TracePage:
        """Return one page of the traces that fit all that is given; ``start`` and ``end`` count together only.

        Raises:
            InvalidInput: ``sort`` is no column that the list can be sorted by.
        """
        wanted = TraceFilter(
            time_range=TimeRange(start=start, end=end) if start and end else None,
            statuses=statuses,
            agent=agent,
            model=model,
            tool=tool,
            text=text,
            min_cost_usd=min_cost_usd,
            min_active_ms=min_active_ms,
            errors_only=errors_only,
        )
        return reading.list_traces(self._store, wanted, limit=limit, offset=offset, sort=sort, descending=descending)

    def spans(self, trace_id: str) -> builtins.list[SpanRow]:
        """Return the spans of a trace, each below its parent.

        Raises:
            NotFound: the store has no span of that trace.
        """
        return reading.get_trace(self._store, trace_id)

    def find_summary(self, trace_id: str) -> TraceSummary | None:
        """Return the run of a trace, or None."""
        return reading.find_summary(self._store, trace_id)
