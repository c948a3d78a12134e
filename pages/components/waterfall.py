"""A trace as a tree with the time of each step beside it; both have the same rows, so that the eye can go across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.components import spans as said
from pages.components import words
from pages.components.table_choice import SELECTION, chosen_row
from pages.components.timeline import Timeline, lay_out

ROWS_A_PAGE = 80
FRAMES = frozenset({"task", "turn"})
_ROW_PX = 28
_INDENT = "\u2003"
_LEGEND = {"Model": "model", "Tool": "tool", "Check": "guardrail", "Handover": "handoff"}


def without_frames(spans: Sequence[Any]) -> list[tuple[Any, int]]:
    """Return the spans that do something with their depth in the tree that is left without turns and tasks."""
    shown: list[tuple[Any, int]] = []
    above: list[tuple[int, bool]] = []
    for span in spans:
        while above and above[-1][0] >= span.depth:
            above.pop()
        is_frame = span.kind in FRAMES
        if not is_frame:
            shown.append((span, sum(not frame for _, frame in above)))
        above.append((span.depth, is_frame))
    return shown


def waterfall(spans: Sequence[Any], *, key: str) -> Any:
    """Draw tree and times and return the span that the person chose, else the one that tells most.

    A trace with more than 80 rows is shown in pages of 80.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" ".join(f":{_dot(kind)}[●] {name}" for name, kind in _LEGEND.items()), width="content")
        with_frames = st.toggle("Turns and tasks", key=f"{key}_frames", help="Show the steps around others, too.")
    rows = [(span, span.depth) for span in spans] if with_frames else without_frames(spans) or [(s, 0) for s in spans]
    timeline = lay_out([span for span, _ in rows])
    first = _first_row(len(rows), key=key)
    last = min(first + ROWS_A_PAGE, len(rows))
    page = rows[first:last]
    left, right = st.columns([5, 6], gap="small")
    with left:
        chosen = st.dataframe(
            {
                "Step": [f"{_INDENT * depth}{said.title(span)}" for span, depth in page],
                **({"Cost": [_cost(span) for span, _ in page]} if any(span.cost_usd for span, _ in page) else {}),
            },
            key=f"{key}_tree_{first}_{with_frames}",
            on_select="rerun",
            selection_mode=SELECTION,
            hide_index=True,
            row_height=_ROW_PX,
            height="content",
            column_config={
                "Step": st.column_config.TextColumn(width=150),
                "Cost": st.column_config.TextColumn(width=60, alignment="right"),
            },
            alt="The steps of this trace as a tree; choose a row to read its content.",
        )
    with right:
        st.plotly_chart(
            _figure(page, timeline, first=first),
            key=f"{key}_bars_{first}_{with_frames}",
            config={"displayModeBar": False},
            alt=f"When each of {len(page)} steps worked, in seconds; a wait for people is a dashed line, not a length.",
        )
    picked = chosen_row(chosen)
    if picked is not None and picked < len(page):
        return page[picked][0]
    return _most_telling([span for span, _ in page])


def _most_telling(spans: Sequence[Any]) -> Any:
    """Return the span that a person most likely looks for: what failed, what waits, what stopped it, the last work."""
    signs = (
        said.is_failure,
        lambda span: bool(span.triggered),
        lambda span: span.is_paused,
        lambda span: span.kind in ("model", "tool"),
    )
    return next((span for sign in signs for span in reversed(spans) if sign(span)), spans[0])


def _first_row(count: int, *, key: str) -> int:
    """Return where the shown page begins; asks for it only where there is more than one."""
    if count <= ROWS_A_PAGE:
        return 0
    st.caption(f"{count:,} steps, {ROWS_A_PAGE} on a page.")
    page: int = st.pagination(-(-count // ROWS_A_PAGE), key=f"{key}_page")
    return (page - 1) * ROWS_A_PAGE


def _figure(page: Sequence[tuple[Any, int]], timeline: Timeline, *, first: int) -> go.Figure:
    seconds = [start / 1000 for start in timeline.starts_ms[first : first + len(page)]]
    lengths = [length / 1000 for length in timeline.lengths_ms[first : first + len(page)]]
    start, end = _extent(page, seconds, lengths, whole_s=timeline.total_ms / 1000)
    total = end - start
    figure = go.Figure(
        go.Bar(
            y=list(range(len(page))),
            base=seconds,
            # What is too short to be seen is drawn as a hair.
            x=[max(length, total * 0.004) for length in lengths],
            orientation="h",
            width=0.5,
            marker_color=[said.colour(span) for span, _ in page],
            text=[words.duration(span.duration_ms) for span, _ in page],
            textposition="outside",
            cliponaxis=False,
            textfont_size=11,
            customdata=[
                [_html(said.title(span)), words.duration(span.duration_ms), _html(span.agent or "")] for span, _ in page
            ],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]} · %{customdata[2]}<extra></extra>",
        )
    )
    for wait in timeline.waits:
        figure.add_vline(x=wait.at_ms / 1000, line={"dash": "dash", "width": 1.5, "color": "#B45309"})
        figure.add_annotation(
            x=wait.at_ms / 1000, y=len(page) - 0.6, text=f"waited {words.duration(wait.waited_ms)}", showarrow=False,
            xanchor="right" if wait.at_ms > timeline.total_ms / 2 else "left", font={"size": 11, "color": "#B45309"},
        )  # fmt: skip
    figure.update_layout(
        height=(len(page) + 1) * _ROW_PX + 4,
        margin={"l": 0, "r": 8, "t": _ROW_PX, "b": 0},
        showlegend=False,
        dragmode=False,
    )
    figure.update_yaxes(range=[len(page) - 0.5, -0.5], visible=False, fixedrange=True)
    figure.update_xaxes(
        range=[start, end + total * 0.24],
        side="top",
        ticksuffix=" s",
        fixedrange=True,
        title=None,
        nticks=6,
        zeroline=False,
    )
    return figure


def _extent(
    page: Sequence[tuple[Any, int]], starts: Sequence[float], lengths: Sequence[float], *, whole_s: float
) -> tuple[float, float]:
    """Return the part of the axis, in seconds, in which the rows of a page do their work.

    The agents hold the others and may reach over many pages, so they do not count where there is anything else.
    """
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    leaves = [place for place, (span, _) in enumerate(page) if span.kind not in FRAMES | {"agent"}]
    if len(page) < ROWS_A_PAGE or not leaves:
        return min(starts), max(whole_s, min(starts) + 0.001)
    first, last = min(starts[place] for place in leaves), max(ends[place] for place in leaves)
    return first, max(last, first + 0.001)


def _cost(span: Any) -> str:
    return "unpriced" if span.is_unpriced else words.money(span.cost_usd) if span.cost_usd is not None else ""


def _dot(kind: str) -> str:
    return {"model": "blue", "tool": "green", "guardrail": "violet", "handoff": "orange"}[kind]


def _html(text: str) -> str:
    return words.one_line(text, limit=80).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
