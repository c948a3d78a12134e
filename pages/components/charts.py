"""The forms of our charts: marks in, Plotly figures out, with an address behind each mark.

A model has the same colour wherever and whenever it is drawn: the order of first use gives the first five their own
colours, and all later ones share grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import plotly.graph_objects as go

PALETTE = ("#0F766E", "#2563EB", "#D97706", "#7C3AED", "#DB2777", "#64748B")
"""The six colours of ``theme.chartCategoricalColors``; grey, the last one, stands for all the others."""
_SAME, _CHANGED = "#0F766E", "#B45309"
"""Grounds on which white can be read, of the hues of what stays the same and of what was changed."""
OTHER_MODELS = "Other models"
CHART_HEIGHT = 260
_FEW = 8
_ROW_PX = 27
_FRAME_PX = 62

Address = dict[str, Any]


class Mark(NamedTuple):
    """One bar, point or field: its size, what it says when the pointer is on it, and the address behind it."""

    value: float | None
    text: str
    address: Address | None = None


@dataclass
class Chart:
    """A figure, and the addresses that its marks name by number in ``customdata``."""

    figure: go.Figure = field(default_factory=go.Figure)
    addresses: list[Address | None] = field(default_factory=list)

    def numbers(self, marks: Iterable[Mark]) -> list[list[int]]:
        """Keep the addresses of some marks and return their numbers as Plotly takes them."""
        start = len(self.addresses)
        self.addresses.extend(mark.address for mark in marks)
        return [[number] for number in range(start, len(self.addresses))]

    def address_of(self, points: Sequence[Mapping[str, Any]]) -> Address | None:
        """Return the address behind what the browser says was clicked, None where it names nothing of ours."""
        said = points[0].get("customdata") if points else None
        number = said[0] if isinstance(said, list | tuple) and said else None
        if not isinstance(number, int) or not 0 <= number < len(self.addresses):
            return None
        return self.addresses[number]


def model_colours(known_models: Sequence[str]) -> dict[str, str]:
    """Return the colour of each model, given all models in the order of their first use."""
    own = len(PALETTE) - 1
    return {name: PALETTE[min(place, own)] for place, name in enumerate(known_models)}


def shown_model(name: str | None, colours: Mapping[str, str]) -> str:
    """Return the name under which a model is drawn: its own while there are colours, else that of all the others."""
    return name if name is not None and colours.get(name, PALETTE[-1]) != PALETTE[-1] else OTHER_MODELS


def stacked_bars(
    series: Mapping[str, Mapping[datetime, Mark]],
    *,
    colours: Mapping[str, str],
    starts: Sequence[datetime],
    step: timedelta,
    prefix: str = "",
) -> Chart:
    """Return bars over time, one colour for each series."""
    chart = Chart()
    for name, by_time in series.items():
        marks = [(at, by_time[at]) for at in starts if at in by_time and by_time[at].value]
        if marks:
            chart.figure.add_bar(
                name=plain_html(name),
                x=[at for at, _ in marks],
                y=[mark.value for _, mark in marks],
                width=step.total_seconds() * 820,
                offset=0,
                marker_color=colours.get(name, PALETTE[-1]),
                customdata=chart.numbers(mark for _, mark in marks),
                hovertext=[plain_html(mark.text) for _, mark in marks],
                hovertemplate="%{hovertext}<extra></extra>",
            )
    chart.figure.update_layout(barmode="stack", showlegend=True)
    _time_axis(chart.figure, starts=starts, step=step)
    highest = [sum(by_time[at].value or 0 for by_time in series.values() if at in by_time) for at in starts]
    chart.figure.update_yaxes(
        tickprefix=prefix, rangemode="tozero", dtick=None if prefix else _whole_step(max(highest, default=0))
    )
    return _dressed(chart)


def lines(
    series: Mapping[str, Sequence[Mark]],
    *,
    colours: Mapping[str, str],
    starts: Sequence[datetime],
    step: timedelta,
    suffix: str = "",
) -> Chart:
    """Return lines over time with a point in the middle of each bucket; where nothing was measured is a gap."""
    chart = Chart()
    for name, marks in series.items():
        chart.figure.add_scatter(
            name=plain_html(name),
            x=[at + step / 2 for at in starts],
            y=[mark.value for mark in marks],
            mode="lines+markers",
            line={"color": colours[name], "width": 2},
            marker={"size": 6},
            customdata=chart.numbers(marks),
            hovertext=[plain_html(mark.text) for mark in marks],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    _time_axis(chart.figure, starts=starts, step=step)
    chart.figure.update_yaxes(rangemode="tozero", ticksuffix=suffix)
    return _dressed(chart)


def ranked_bars(
    series: Mapping[str, Mapping[str, Mark]],
    *,
    colours: Mapping[str, str],
    rows: Sequence[str],
    prefix: str = "",
) -> Chart:
    """Return one lying bar for each row, the first row on top, one colour for each series."""
    chart = Chart()
    for name, by_row in series.items():
        marks = [(row, by_row[row]) for row in rows if row in by_row and by_row[row].value]
        if marks:
            chart.figure.add_bar(
                name=plain_html(name),
                y=[plain_html(row) for row, _ in marks],
                x=[mark.value for _, mark in marks],
                orientation="h",
                width=0.62,
                marker_color=colours.get(name, PALETTE[0]),
                customdata=chart.numbers(mark for _, mark in marks),
                hovertext=[plain_html(mark.text) for _, mark in marks],
                hovertemplate="%{hovertext}<extra></extra>",
            )
    longest = [sum(by_row[row].value or 0 for by_row in series.values() if row in by_row) for row in rows]
    chart.figure.update_layout(barmode="stack", showlegend=len(series) > 1)
    chart.figure.update_xaxes(
        rangemode="tozero",
        tickprefix=prefix,
        nticks=6,
        dtick=None if prefix else _whole_step(max(longest, default=0)),
    )
    order = [plain_html(row) for row in reversed(rows)]
    chart.figure.update_yaxes(categoryorder="array", categoryarray=order, showgrid=False)
    return _dressed(chart, height=max(CHART_HEIGHT, _FRAME_PX + _ROW_PX * len(rows)))


def matrix(fields: Mapping[tuple[str, str], Mark], *, rows: Sequence[str], columns: Sequence[str]) -> Chart:
    """Return a table of shaded fields; what stays the same is green, what was changed orange, the darker the more."""
    chart = Chart()
    for is_same, colour in ((True, "15,118,110"), (False, "217,119,6")):
        chosen = {place: mark for place, mark in fields.items() if (place[0] == place[1]) == is_same}
        shares = [[_share(chosen.get((row, column)), row, fields) for column in columns] for row in rows]
        chart.figure.add_heatmap(
            x=list(columns),
            y=list(rows),
            z=shares,
            zmin=0,
            zmax=1,
            colorscale=[[0, f"rgba({colour},0.14)"], [1, f"rgba({colour},0.62)"]],
            showscale=False,
            xgap=3,
            ygap=3,
            hovertext=[[plain_html(chosen[row, column].text) if (row, column) in chosen else "" for column in columns]
                       for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
            hoverongaps=False,
        )  # fmt: skip
    for (row, column), mark in fields.items():
        # Not as the fields' own text, whose colour Plotly chooses as if they were opaque. White on a ground of its own
        # can be read on every shade, in the light theme and in the dark one.
        chart.figure.add_annotation(
            x=column,
            y=row,
            text=f"{mark.value:,.0f}",
            showarrow=False,
            font={"color": "#FFFFFF"},
            bgcolor=_SAME if row == column else _CHANGED,
            borderpad=3,
        )
    chart.figure.update_xaxes(side="top", showgrid=False, title="Label in force")
    chart.figure.update_yaxes(autorange="reversed", showgrid=False, title="Label by the agents")
    return _dressed(chart)


def plain_html(text: str) -> str:
    """Return text that Plotly shows as it is: it reads a few HTML tags in names and labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bucket_words(at: datetime, step: timedelta) -> str:
    """Return when a bucket begins, as exact as its width asks for."""
    return f"{at.day} {at:%b %Y}" if step >= timedelta(days=1) else f"{at.day} {at:%b %H:%M} UTC"


def _share(mark: Mark | None, row: str, fields: Mapping[tuple[str, str], Mark]) -> float | None:
    whole = sum(other.value or 0 for place, other in fields.items() if place[0] == row)
    return mark.value / whole if mark is not None and mark.value and whole else None


def _whole_step(most: float) -> int | None:
    """Return the step of an axis that counts few things, which Plotly would cut into halves; None leaves it to it."""
    return 1 if most <= _FEW else None


def _time_axis(figure: go.Figure, *, starts: Sequence[datetime], step: timedelta) -> None:
    if starts:
        figure.update_xaxes(range=[starts[0], starts[-1] + step])
    figure.update_xaxes(showgrid=False, tickformat="%-d %b" if step >= timedelta(days=1) else "%H:%M", nticks=9)


def _dressed(chart: Chart, *, height: int = CHART_HEIGHT) -> Chart:
    """Give a figure the common frame: no empty borders, the legend in one line above the plot."""
    chart.figure.update_layout(
        height=height,
        # Room above the plot for one line of names, where there are any.
        margin={"l": 4, "r": 8, "t": 30 if len(chart.figure.data) > 1 else 10, "b": 4},
        legend={
            "orientation": "h",
            "x": 0,
            # From the top of the card: beside the plot it would not move up again when the window becomes wider.
            "yref": "container",
            "y": 1,
            "yanchor": "top",
            "title": None,
            "font": {"size": 11},
            "traceorder": "normal",
        },
        clickmode="event+select",
        dragmode=False,
        bargap=0.35,
    )
    chart.figure.update_xaxes(automargin=True, fixedrange=True)
    chart.figure.update_yaxes(automargin=True, fixedrange=True)
    return chart
