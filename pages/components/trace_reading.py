"""What the traces page reads of one trace, kept for a moment so that a rerun does not ask again."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import orjson
import streamlit as st

from pages.components.context import actor, seen
from triage.access.actions import Action, may
from triage.domain import utc_now
from triage.domain.traces import SpanRow, TraceFilter, TraceNeighbours, TraceRow, TraceSort


def read_spans(trace_id: str) -> list[SpanRow]:
    """Return the steps of a trace without their content; they are shared, so nobody changes the list.

    They are read again when the row of the trace says that there are more, or every other second where it has none.

    Raises:
        NotFound: the store has no step of it.
    """
    row = read_row(trace_id)
    version = (row.status, row.span_count, row.ended_at) if row is not None else int(utc_now().timestamp() // 2)
    seen().traces.require(trace_id)
    return _read_spans(trace_id, version)


@st.cache_resource(ttl=120, max_entries=8, show_spinner=False)
def _read_spans(trace_id: str, version: Hashable) -> list[SpanRow]:  # noqa: ARG001 - a part of the cache's key.
    return seen().traces.spans(trace_id, with_content=False)


def read_row(trace_id: str) -> TraceRow | None:
    """Return the row of a trace, or None."""
    row = _read_row(trace_id)
    return row if row is not None and seen().traces.is_seen(row) else None


@st.cache_resource(ttl=2, max_entries=16, show_spinner=False)
def _read_row(trace_id: str) -> TraceRow | None:
    """Read a row for whoever asks: whether this person sees it is looked at each time, after the cache."""
    return seen().traces.find_for_anybody(trace_id)


def read_neighbours(trace_id: str, wanted: TraceFilter, sort: TraceSort, *, descending: bool) -> TraceNeighbours:
    """Return what stands before and after a trace in the list; nothing for who may not search all traces."""
    if not may(actor(), Action.TRACES_SEARCH):
        return TraceNeighbours(before=None, after=None)
    return _read_neighbours(trace_id, wanted, sort, descending)


@st.cache_resource(ttl=10, max_entries=16, show_spinner=False)
def _read_neighbours(trace_id: str, wanted: TraceFilter, sort: TraceSort, descending: bool) -> TraceNeighbours:  # noqa: FBT001 - a cache key.
    found: TraceNeighbours = seen().traces.search.neighbours(trace_id, wanted, sort=sort, descending=descending)
    return found


def read_content(trace_id: str, span_id: str) -> dict[str, Any]:
    """Return what one step says; what has ended does not change any more."""
    seen().traces.require(trace_id)
    return _read_content(trace_id, span_id)


@st.cache_resource(ttl=60, max_entries=32, show_spinner=False)
def _read_content(trace_id: str, span_id: str) -> dict[str, Any]:
    return seen().traces.content(trace_id, span_id)


def contents_of(spans: list[SpanRow], *, at_most: int = 60) -> dict[str, dict[str, Any]]:
    """Return what the given steps of one trace say, at most so many of them."""
    return {span.span_id: read_content(span.trace_id, span.span_id) for span in spans[:at_most] if span.content_bytes}


def trace_json(trace_id: str) -> bytes:
    """Return a trace with all its content as JSON."""
    traces = seen().traces
    trace = {"trace": traces.find(trace_id), "spans": traces.spans(trace_id)}
    return orjson.dumps(trace, option=orjson.OPT_INDENT_2, default=str)


def forget_read() -> None:
    """Read everything anew from here on."""
    for cache in (_read_spans, _read_row, _read_content, _read_neighbours):
        cache.clear()
