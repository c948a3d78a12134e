"""The list of traces: its filters, which live in the URL, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.table_choice import SELECTION, chosen_at_first, chosen_row
from triage.domain import RunStatus, utc_now

PERIODS: dict[str, timedelta | None] = {
    "1 h": timedelta(hours=1),
    "24 h": timedelta(hours=24),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
    "90 d": timedelta(days=90),
    "All": None,
}
SORTS: dict[str, tuple[str, bool]] = {
    "Newest": ("created_at", True),
    "Oldest": ("created_at", False),
    "Slowest": ("active_ms", True),
    "Most expensive": ("cost_usd", True),
    "Most turns": ("turns", True),
}
STATUSES = {words.run_status(status).text: status.value for status in RunStatus}
"""The status words by what they are called here and in the URL."""
PAGE_SIZE = 25
_FILTER_KEYS = ("trace_status", "agent", "model", "tool", "day", "errors", "min_cost", "min_seconds")


@dataclass(frozen=True)
class Wanted:
    """What the list shows: the arguments of the query, and how many filters narrow it."""

    arguments: dict[str, Any]
    narrowed: int


def trace_filters(choices: Any) -> Wanted:
    """Draw the filters and return what they ask for."""
    text = st.text_input(
        "Search", key="trace_text", bind="query-params", placeholder="Search text, customer, tool result, id",
        icon=":material/search:", label_visibility="collapsed",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        period = st.segmented_control(
            "Time range", list(PERIODS), default="7 d", required=True, key="period", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        slot = st.container(width="content")
    # On the first run the address has the filters and the session does not know them yet.
    active = sum(bool(st.session_state.get(key, st.query_params.get(key))) for key in _FILTER_KEYS)
    with slot.popover(f"Filters · {active}" if active else "Filters", icon=":material/tune:"):
        named = st.multiselect("Status", list(STATUSES), key="trace_status", bind="query-params")
        agent = _choice("Agent", choices.agents, key="agent")
        model = _choice("Model", choices.models, key="model")
        tool = _choice("Tool", choices.tools, key="tool")
        day = st.date_input(
            "Day (UTC)", None, key="day", bind="query-params", help="Takes the place of the time range."
        )
        errors = st.toggle("With errors only", key="errors", bind="query-params")
        min_cost = st.number_input(
            "Cost at least, USD", 0.0, value=None, step=0.01, format="%.4f", key="min_cost", bind="query-params"
        )
        min_seconds = st.number_input(
            "Active time at least, seconds", 0.0, value=None, step=1.0, key="min_seconds", bind="query-params"
        )
        sort = st.selectbox("Order", list(SORTS), key="sort", bind="query-params")
        st.button("Clear filters", icon=":material/filter_alt_off:", on_click=_clear, disabled=not active)
    start, end = _bounds(period, day)
    statuses = tuple(STATUSES[name] for name in named)
    column, descending = SORTS[sort]
    return Wanted(
        arguments={
            "start": start, "end": end, "statuses": statuses, "agent": agent, "model": model, "tool": tool,
            "text": text or "", "errors_only": errors, "sort": column, "descending": descending,
            "min_cost_usd": Decimal(str(min_cost)) if min_cost else None,
            "min_active_ms": round(min_seconds * 1000) if min_seconds else None,
        },
        narrowed=active + bool(text),
    )  # fmt: skip


def trace_rows(items: Sequence[Any], *, selected: str | None) -> None:
    """Draw the rows; choosing one puts its trace into the URL."""
    ids = [item.trace_id for item in items]
    now = utc_now()

    def choose() -> None:
        row = chosen_row(st.session_state[key])
        if row is not None:
            st.query_params["trace"] = ids[row]

    # The key names the rows, so that a row which moved does not leave its mark on another one.
    key = f"traces_{hash(tuple(ids))}"
    st.dataframe(
        {
            "When": [words.short_ago(item.created_at, now=now) for item in items],
            "Message": [words.one_line(item.excerpt or item.run_id, limit=80) for item in items],
            "Status": [words.short_status(RunStatus(item.status)) for item in items],
            "Time": [words.duration(item.active_ms) for item in items],
            "Cost": [words.money(item.cost_usd) for item in items],
        },
        key=key,
        on_select=choose,
        selection_mode=SELECTION,
        selection_default=chosen_at_first(ids.index(selected) if selected in ids else None, column="Message"),
        hide_index=True,
        row_height=32,
        height="content",
        # Together as wide as the list in a window of 1280; in a wider one all of them grow.
        column_config={
            "When": st.column_config.TextColumn(width=54),
            "Message": st.column_config.TextColumn(width=126),
            "Status": st.column_config.TextColumn(width=68),
            "Time": st.column_config.TextColumn(width=50, alignment="right"),
            "Cost": st.column_config.TextColumn(width=84, alignment="right"),
        },
        alt="The traces that the filters find; choose a row to read one.",
    )


def _choice(label: str, options: Sequence[str], *, key: str) -> str | None:
    """Ask for one of the options; one that only the URL names is offered as well."""
    named = st.session_state.get(key)
    known = [*options, named] if named and named not in options else list(options)
    chosen: str | None = st.selectbox(label, known, index=None, key=key, bind="query-params", placeholder="Any")
    return chosen


def _bounds(period: str, day: Any) -> tuple[datetime | None, datetime | None]:
    if day:
        start = datetime.combine(day, time(), tzinfo=UTC)
        return start, start + timedelta(days=1)
    length = PERIODS[period]
    now = utc_now()
    return (None, None) if length is None else (now - length, now + timedelta(minutes=1))


def _clear() -> None:
    for key in _FILTER_KEYS:
        st.session_state[key] = [] if key == "trace_status" else False if key == "errors" else None
