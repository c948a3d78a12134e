"""The charts of the overview: values of the trace store in, Plotly figures and CSV text out.

A model has the same colour wherever and whenever it is drawn: the order of first use gives the first five their own
colours, and all later ones share grey.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal

import plotly.graph_objects as go

from pages.components import words
from triage.domain import Category, RunStatus

Measure = Literal["cost", "calls", "tokens"]
PALETTE = ("#0F766E", "#2563EB", "#D97706", "#7C3AED", "#DB2777", "#64748B")
"""The six colours of ``theme.chartCategoricalColors``; grey, the last one, stands for all the others."""
OTHER_MODELS = "Other models"
NO_CATEGORY = "No category"
CHART_HEIGHT = 270
_FEW = 8


def model_colours(known_models: Sequence[str]) -> dict[str, str]:
    """Return the colour of each model, given all models in the order of their first use."""
    own = len(PALETTE) - 1
    return {name: PALETTE[min(place, own)] for place, name in enumerate(known_models)}


def model_figure(
    buckets: Sequence[Any],
    *,
    known_models: Sequence[str],
    measure: Measure,
    starts: Sequence[datetime],
    step: timedelta,
) -> go.Figure:
    """Return stacked bars of what each model cost, was called or read and wrote, by bucket."""
    colours = model_colours(known_models)
    number = "$.4f" if measure == "cost" else ",d"
    heights: dict[str, dict[datetime, float]] = defaultdict(lambda: defaultdict(float))
    for bucket in buckets:
        shown = bucket.model if colours.get(bucket.model, PALETTE[-1]) != PALETTE[-1] else OTHER_MODELS
        if height := float(bucket.cost_usd if measure == "cost" else getattr(bucket, measure)):
            heights[shown][bucket.at] += height
    figure = go.Figure()
    for name in [*(model for model in known_models if model in heights), *([OTHER_MODELS] * (OTHER_MODELS in heights))]:
        figure.add_bar(
            name=_plain_html(name),
            x=[at for at in starts if at in heights[name]],
            y=[heights[name][at] for at in starts if at in heights[name]],
            width=_bar_width(step),
            offset=0,
            marker_color=colours.get(name, PALETTE[-1]),
            customdata=[[at.date().isoformat(), name] for at in starts if at in heights[name]],
            hovertemplate=f"%{{x|{_hover_time(step)}}}<br>%{{y:{number}}} %{{fullData.name}}<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    _time_axis(figure, starts=starts, step=step)
    figure.update_yaxes(tickprefix="$" if measure == "cost" else "", rangemode="tozero")
    return _dressed(figure)


def latency_figure(buckets: Sequence[Any], *, step: timedelta) -> go.Figure:
    """Return lines of the median and the 95th percentile of active time in seconds; quiet buckets leave a gap."""
    figure, when = go.Figure(), _hover_time(step)
    for name, field, colour in (("p50", "p50_ms", PALETTE[0]), ("p95", "p95_ms", PALETTE[1])):
        seconds = [None if getattr(bucket, field) is None else getattr(bucket, field) / 1000 for bucket in buckets]
        figure.add_scatter(
            name=name,
            x=[bucket.at + step / 2 for bucket in buckets],
            y=seconds,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 5},
            customdata=[[bucket.at.date().isoformat(), bucket.runs] for bucket in buckets],
            hovertemplate=f"%{{x|{when}}}<br>{name} %{{y:.2f}} s, %{{customdata[1]:,}} runs<extra></extra>",
        )
    _time_axis(figure, starts=[bucket.at for bucket in buckets], step=step)
    figure.update_yaxes(rangemode="tozero", ticksuffix=" s")
    return _dressed(figure)


def outcome_figure(outcomes: Sequence[Any]) -> go.Figure:
    """Return one bar for each status, split by category."""
    statuses = list(dict.fromkeys(outcome.status for outcome in outcomes))
    totals = {status: sum(o.runs for o in outcomes if o.status == status) for status in statuses}
    statuses.sort(key=lambda status: totals[status])
    figure = go.Figure()
    for place, category in enumerate([*Category, None]):
        runs = {o.status: o.runs for o in outcomes if o.category == (category.value if category else None)}
        if not runs:
            continue
        shown = [status for status in statuses if status in runs]
        figure.add_bar(
            name=words.category(category).text if category else NO_CATEGORY,
            y=[words.run_status(RunStatus(status)).text for status in shown],
            x=[runs[status] for status in shown],
            orientation="h",
            marker_color=PALETTE[place],
            customdata=[[status] for status in shown],
            hovertemplate="%{y}<br>%{x:,} runs, %{fullData.name}<extra></extra>",
        )
    order = [words.run_status(RunStatus(status)).text for status in statuses]
    figure.update_layout(barmode="stack")
    figure.update_yaxes(categoryorder="array", categoryarray=order, showgrid=False)
    figure.update_xaxes(rangemode="tozero", dtick=_whole_step(max(totals.values(), default=0)))
    return _dressed(figure)


def trip_figure(trips: Sequence[Any]) -> go.Figure:
    """Return one bar for each verdict of each guardrail, most trips on top."""
    shown = sorted(trips, key=lambda trip: trip.trips)[-10:]
    figure = go.Figure(
        go.Bar(
            y=[
                f"{_plain_html(words.words(trip.guardrail))}: {_plain_html(words.words(trip.verdict).lower())}"
                for trip in shown
            ],
            x=[trip.trips for trip in shown],
            orientation="h",
            marker_color=PALETTE[0],
            width=0.55,
            customdata=[[trip.guardrail, trip.verdict] for trip in shown],
            hovertemplate="%{y}<br>%{x:,} runs stopped<extra></extra>",
        )
    )
    figure.update_yaxes(showgrid=False)
    figure.update_xaxes(rangemode="tozero", dtick=_whole_step(max((trip.trips for trip in shown), default=0)))
    return _dressed(figure)


def to_csv(rows: Iterable[Any]) -> str:
    """Return dataclass values as CSV with a header, ready for a spreadsheet."""
    records = [asdict(row) for row in rows]
    if not records:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]))
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in record.items()} for record in records)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a value as a spreadsheet takes it; a text that begins like a formula stays a text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _plain_html(text: str) -> str:
    """Return text that Plotly shows as it is: it reads a few HTML tags in names and labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _whole_step(most: int) -> int | None:
    """Return the step of an axis that counts few things, which Plotly would cut into halves; None leaves it to it."""
    return 1 if most <= _FEW else None


def _bar_width(step: timedelta) -> float:
    return step.total_seconds() * 1000 * 0.82


def _hover_time(step: timedelta) -> str:
    return "%d %b %Y" if step >= timedelta(days=1) else "%d %b %H:%M UTC"


def _time_axis(figure: go.Figure, *, starts: Sequence[datetime], step: timedelta) -> None:
    if starts:
        figure.update_xaxes(range=[starts[0], starts[-1] + step])
    figure.update_xaxes(
        showgrid=False, tickformat="%-d %b" if step >= timedelta(days=1) else "%H:%M", hoverformat="", nticks=9
    )


def _dressed(figure: go.Figure) -> go.Figure:
    """Give a figure the common frame: no empty borders, the legend in one line above the plot."""
    figure.update_layout(
        height=CHART_HEIGHT,
        margin={"l": 4, "r": 8, "t": 30, "b": 4},
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "title": None,
            "font": {"size": 11},
            "traceorder": "normal",
        },
        clickmode="event+select",
        dragmode=False,
        bargap=0.35,
    )
    figure.update_xaxes(automargin=True, fixedrange=True)
    figure.update_yaxes(automargin=True, fixedrange=True)
    return figure
