"""Everything that pages ask of the trace store, in plain arguments, so that they need to know no other part of it."""

from __future__ import annotations

from typing import Any

from storage.traces import listing, names, one_trace
from storage.traces.measures.costs import CostMeasures
from storage.traces.measures.guardrails import GuardrailMeasures
from storage.traces.measures.handoffs import HandoffMeasures
from storage.traces.measures.reliability import ReliabilityMeasures
from storage.traces.measures.runs import RunMeasures
from storage.traces.measures.times import TimeMeasures
from storage.traces.measures.tools import ToolMeasures
from storage.traces.measures.trips import TripLookup
from storage.traces.store import TraceStore
from triage.domain.traces import (
    SpanRow,
    TraceChoices,
    TraceFilter,
    TraceNeighbours,
    TracePage,
    TraceRow,
    TraceSort,
)


class TraceQueries:
    """The trace store, for reading: one part per topic of the dashboards, the list of traces, and one trace."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store
        self.runs = RunMeasures(store)
        self.costs = CostMeasures(store)
        self.times = TimeMeasures(store)
        self.tools = ToolMeasures(store)
        self.handoffs = HandoffMeasures(store)
        self.guardrails = GuardrailMeasures(store)
        self.trips = TripLookup(store)
        self.reliability = ReliabilityMeasures(store)

    def choices(self) -> TraceChoices:
        """Return the agents, models, tools and guardrails that the store knows."""
        return TraceChoices(
            agents=names.list_names(self._store, "agent"),
            models=names.models_by_first_use(self._store),
            tools=names.list_names(self._store, "tool"),
            guardrails=names.list_names(self._store, "guardrail"),
        )

    def find(
        self,
        wanted: TraceFilter,
        *,
        sort: TraceSort = "created_at",
        descending: bool = True,
        limit: int = 50,
        offset: int = 0,
    ) -> TracePage:
        """Return one page of the traces that the filter finds.

        Raises:
            InvalidInput: ``sort`` is no column that the list can be sorted by.
        """
        return listing.list_traces(self._store, wanted, sort=sort, descending=descending, limit=limit, offset=offset)

    def neighbours(
        self, trace_id: str, wanted: TraceFilter, *, sort: TraceSort = "created_at", descending: bool = True
    ) -> TraceNeighbours:
        """Return what stands before and after a trace in the list."""
        return listing.find_neighbours(self._store, trace_id, wanted, sort=sort, descending=descending)

    def spans(self, trace_id: str, *, with_content: bool = True) -> list[SpanRow]:
        """Return the spans of a trace, each below its parent.

        Raises:
            NotFound: the store has no span of that trace.
        """
        return one_trace.get_trace(self._store, trace_id, with_content=with_content)

    def content(self, trace_id: str, span_id: str) -> dict[str, Any]:
        """Return what one span says; empty where it says nothing or its words are no longer kept."""
        return one_trace.get_content(self._store, trace_id, span_id)

    def find_summary(self, trace_id: str) -> TraceRow | None:
        """Return the row of a trace, or None."""
        return listing.find_row(self._store, trace_id)
