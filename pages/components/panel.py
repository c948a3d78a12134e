"""A card with a chart: what it counts, the chart, its data as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.components.charts import to_csv

_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def chart_panel(
    title: str,
    note: str,
    figure: go.Figure,
    *,
    key: str,
    rows: Sequence[Any],
    alt: str,
    choices: Sequence[str] = (),
    choice: str | None = None,
    choice_key: str | None = None,
    empty: str = "Nothing to count in this time.",
) -> list[Any] | None:
    """Draw the card and return the ``customdata`` of the point that was clicked, or None.

    ``choices`` with ``choice_key`` puts a choice of what is counted into the head of the card.
    """
    with st.container(border=True, height="stretch", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            card_head(title, note)
            if choices:
                st.segmented_control(
                    "Count", choices, default=choice, required=True, key=choice_key, label_visibility="collapsed"
                )
            st.download_button(
                ":material/download:",
                to_csv(rows),
                file_name=f"{key}.csv",
                mime="text/csv",
                type="tertiary",
                key=f"{key}_csv",
                disabled=not rows,
                help=f"Download the figures of “{title}” as CSV.",
                on_click="ignore",
            )
        if not rows:
            st.caption(empty)
            return None
        event = st.plotly_chart(
            figure, key=f"{key}_chart", on_select="rerun", selection_mode="points", config=_CONFIG, alt=alt
        )
    points = event["selection"]["points"]
    return list(points[0]["customdata"]) if points and points[0].get("customdata") is not None else None


def card_head(title: str, note: str) -> None:
    """Draw the head of a card: what it is about, and below it in small letters how to read it."""
    st.markdown(f"**{title}**  \n:gray[:small[{note}]]", width="stretch")


def action_head(title: str, note: str, *, button: str, icon: str, key: str, why_not: str | None) -> bool:
    """Draw the head of a card with a button beside it, and return whether it was pressed.

    ``why_not`` says why this person may not press it.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        card_head(title, note)
        return st.button(button, icon=f":material/{icon}:", disabled=why_not is not None, key=key, help=why_not)
