"""The list of traces: its table, its pages, and two of them chosen for comparing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.table_choice import chosen_row
from pages.components.trace_address import Asked
from pages.components.trace_columns import COLUMNS
from pages.components.trace_state import asked_now, go, open_trace
from triage.domain import RunStatus
from triage.domain.traces import TracePage, TraceRow

PAGE_SIZE = 25
_SELECTION = ("single-cell", "single-column", "multi-row")
# Quiet where all is well: only what failed or waits for somebody has a colour of its own.
_COLOURS = {"red": "red", "orange": "orange", "blue": "blue"}
_STATUSES = {words.short_status(status): _COLOURS.get(words.run_status(status).colour, "gray") for status in RunStatus}


def pages_of(total: int) -> int:
    """Return how many pages the list has; an empty one has one."""
    return max(1, -(-total // PAGE_SIZE))


def trace_table(found: TracePage, asked: Asked, *, now: Any) -> list[TraceRow]:
    """Draw a page of the list and return the rows whose boxes are ticked.

    A click on a cell opens its trace, one on the head of a column sorts by it.
    """
    rows = found.rows
    # The key names the rows and the order, so that no mark of an earlier page stays on another row.
    key = f"traces_{hash((tuple(row.trace_id for row in rows), asked.sort, asked.descending, asked.columns))}"
    names = [name for name in asked.columns if name in COLUMNS]
    heads = {name: _head(name, asked) for name in names}
    state = st.dataframe(
        {heads[name]: [COLUMNS[name].say(row, now) for row in rows] for name in names},
        key=key,
        on_select=lambda: _choose(key, rows, names),
        selection_mode=_SELECTION,
        hide_index=True,
        row_height=32,
        height="content",
        column_config={heads[name]: _config(name) for name in names},
        alt="The list of traces",
    )
    return [rows[place] for place in state["selection"]["rows"] if place < len(rows)]


def paging(total: int, asked: Asked) -> None:
    """Draw where in the list this page is and the way to the others."""
    last = pages_of(total)
    page = min(asked.page, last)
    if last == 1:
        return
    # The key names the page, because the pages of the address and of the widget have to be the same.
    key = f"traces_page_{page}_{last}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        first = (page - 1) * PAGE_SIZE + 1
        st.caption(f"{first:,} to {min(total, first + PAGE_SIZE - 1):,} of {total:,}", width="content")
        st.pagination(
            last, default=page, key=key, max_visible_pages=7, on_change=lambda: go(page=st.session_state[key])
        )


def compare_button(ticked: Sequence[TraceRow]) -> None:
    """Offer to compare the two traces whose boxes are ticked."""
    ids = [row.trace_id for row in ticked]
    st.button(
        "Compare",
        icon=":material/compare_arrows:",
        key="traces_compare",
        disabled=len(ids) != 2,  # noqa: PLR2004 - two are compared.
        help="Tick the boxes of two traces to see them side by side.",
        on_click=lambda: open_trace(ids[0], other=ids[1]),
    )


def _choose(key: str, rows: Sequence[TraceRow], names: Sequence[str]) -> None:
    state = st.session_state[key]
    place = chosen_row(state)
    if place is not None and place < len(rows):
        open_trace(rows[place].trace_id)
        return
    for head in state["selection"]["columns"]:
        now = asked_now()
        name = next((name for name in names if _head(name, now) == head), None)
        if name is None or (sort := COLUMNS[name].sort) is None:
            st.toast("The list cannot be sorted by this column.", icon=":material/sort:")
        else:
            go(sort=sort, descending=not now.descending if sort == now.sort else True, page=1)


def _head(name: str, asked: Asked) -> str:
    column = COLUMNS[name]
    mark = (" ↓" if asked.descending else " ↑") if column.sort == asked.sort else ""
    return column.title + mark


def _config(name: str) -> Any:
    column = COLUMNS[name]
    if name == "status":
        return st.column_config.MultiselectColumn(
            width=column.width, options=list(_STATUSES), color=list(_STATUSES.values())
        )
    return st.column_config.TextColumn(width=column.width, alignment="right" if column.is_number else None)
