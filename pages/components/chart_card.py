"""A card of the overview: what it counts and how, a chart or table, the traces behind it, and its figures as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from pages.components.charts import Address, Chart
from pages.components.figures_file import to_csv
from pages.components.panel import card_head
from pages.components.text import heard, plain

MOST_LINKS = 10
NOTHING = "Nothing to count in this time."
_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}

Links = Sequence[tuple[str, Address]]
"""Names, which are data, and the addresses of the traces behind them."""


@contextmanager
def card(
    title: str,
    note: str,
    *,
    key: str,
    rows: Sequence[Any],
    links: Links = (),
    choices: Sequence[str] = (),
    choice_key: str = "",
) -> Iterator[None]:
    """Frame what is drawn inside; ``rows`` are the figures of the file, ``choices`` of what is counted stand above."""
    with st.container(border=True, height="stretch", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            card_head(title, note)
            if choices:
                st.segmented_control(
                    "Count", choices, default=choices[0], required=True, key=choice_key, label_visibility="collapsed"
                )
            if links:
                _links(title, links, key=key)
            st.download_button(
                heard(f"Download the figures of “{title}”"),
                lambda: to_csv(rows),
                icon=":material/download:",
                file_name=f"{key}.csv",
                mime="text/csv",
                type="tertiary",
                key=f"{key}_csv",
                disabled=not rows,
                help=f"Download the figures of “{title}” as CSV.",
                on_click="ignore",
            )
        yield


def chart_card(
    title: str,
    note: str,
    chart: Chart,
    *,
    key: str,
    rows: Sequence[Any],
    alt: str,
    empty: str = NOTHING,
    **head: Any,
) -> None:
    """Draw a card with a chart; a click on a mark leads to the traces behind it."""
    with card(title, note, key=key, rows=rows, **head):
        # Figures that are all zero make a chart without marks, whose axes would say nothing.
        if not rows or not chart.figure.data:
            st.caption(empty)
            return
        event = st.plotly_chart(
            chart.figure, key=f"{key}_chart", on_select="rerun", selection_mode="points", config=_CONFIG, alt=alt
        )
    address = chart.address_of(event["selection"]["points"])
    if address is not None:
        st.switch_page("traces.py", query_params=address)


def _links(title: str, links: Links, *, key: str) -> None:
    """Offer the same addresses as the marks of the chart to whoever does not use a mouse."""
    with st.popover(
        # The icon is a part of the label: beside it there would be a gap, for which the heads of cards have no room.
        heard(f"The traces behind “{title}”") + ":material/account_tree:", type="tertiary",
        help=f"The traces behind “{title}”", key=f"{key}_links",
    ):  # fmt: skip
        for name, address in links[:MOST_LINKS]:
            st.page_link("traces.py", label=plain(name), query_params=address)
