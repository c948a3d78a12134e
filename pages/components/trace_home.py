"""The list of traces as a page: search, filters, table, and what to do where nothing is found."""

from __future__ import annotations

import streamlit as st

from pages.components import trace_filters as filters
from pages.components import words
from pages.components.context import seen
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.trace_address import Asked
from pages.components.trace_list import PAGE_SIZE, compare_button, pages_of, paging, trace_table
from triage.domain import utc_now
from triage.domain.traces import TraceChoices, TraceFilter, TracePage, TraceSort
from triage.errors import TriageError


@st.cache_data(ttl=3, max_entries=16, show_spinner=False)
def read_page(wanted: TraceFilter, sort: TraceSort, descending: bool, page: int) -> TracePage:  # noqa: FBT001 - a cache key.
    """Return one page of the list; the last one where the address asks for a later one."""
    found: TracePage = seen().traces.search.find(
        wanted, sort=sort, descending=descending, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE
    )
    if not found.rows and found.total:
        return read_page(wanted, sort, descending, pages_of(found.total))
    return found


@st.cache_data(ttl=60, max_entries=2, show_spinner=False)
def read_choices() -> TraceChoices:
    """Return what can be filtered by; it hardly ever changes."""
    choices: TraceChoices = seen().traces.search.choices()
    return choices


def _require_search() -> None:
    """Refuse whoever may not search all traces: what was read for somebody else is kept for a while."""
    _ = seen().traces.search


def trace_home(asked: Asked) -> None:
    """Draw the list."""
    try:
        _require_search()
        choices = read_choices()
        found = read_page(asked.filter_at(utc_now()), asked.sort, asked.descending, asked.page)
    except TriageError as error:
        show_refusal(error)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        filters.search_and_time(asked)
        filters.filter_popover(asked, choices)
        filters.order_and_columns(asked)
    filters.custom_range(asked)
    filters.show_chips(asked)
    if not found.rows:
        _nothing(asked)
        return
    # On the left, because the table's own tools show above its right end.
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption(f"{words.count(found.total, 'trace')} {filters.period_words(asked)}", width="content")
        compare = st.container(width="content")
    ticked = trace_table(found, asked, now=utc_now())
    with compare:
        compare_button(ticked)
    paging(found.total, asked)


def _nothing(asked: Asked) -> None:
    """Say that nothing is found, by which filters, and what to do about it."""
    when = filters.period_words(asked)
    with st.container(border=True):
        if found := filters.chips(asked):
            named = "; ".join(plain(chip.text) for chip in found)
            st.markdown(f":material/search_off: **No trace {when} fits these filters.**  \n{named}")
            st.button("Clear all filters", key="traces_clear_empty", on_click=filters.clear_filters)
        else:
            st.markdown(
                f":material/account_tree: **No trace {when}.** Every run on the desk leaves one: take a longer time, "
                "or submit a message."
            )
            st.page_link("desk.py", label="Go to the desk", icon=":material/inbox:")
