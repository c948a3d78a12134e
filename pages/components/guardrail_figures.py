"""What guardrails stopped over time, and what each of them checks, costs and gets right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from pages.components import words
from pages.components.chart_card import card, chart_card
from pages.components.charts import PALETTE, Mark, stacked_bars
from pages.components.numbers import share
from pages.components.overview_view import View
from triage.domain import Precision
from triage.domain.measures import GuardrailUse, TripBucket
from triage.domain.traces import TimeRange

OTHERS = "Others"
# The kinds that every desk has keep their colours whatever else trips; the first two others get one as well.
_COLOURS = {"off_topic": PALETTE[1], "injection_attempt": PALETTE[4], "harmful": PALETTE[3]}
_SPARE = (PALETTE[2], PALETTE[0])
# Where the trace store begins to count its buckets; a Monday.
_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class GuardrailLine:
    """One line of the table: what a guardrail did, and how many of its trips were marked as right and wrong."""

    use: GuardrailUse
    right: int
    wrong: int


def trip_name(guardrail: str, verdict: str | None) -> str:
    """Return what tripped in words; it repeats names, so it is data."""
    return f"{words.words(guardrail)}: {words.words(verdict or 'no verdict').lower()}"


def trip_colours(trips: Iterable[TripBucket]) -> dict[str, str]:
    """Return the colour of each kind of trip; kinds without one of their own are drawn as others."""
    kinds = {trip_name(trip.guardrail, trip.verdict): trip.verdict for trip in trips}
    colours = {name: _COLOURS[verdict] for name, verdict in sorted(kinds.items()) if verdict in _COLOURS}
    rest = [name for name in sorted(kinds) if name not in colours]
    return {**colours, **dict(zip(rest, _SPARE, strict=False))}


def legend_names(trips: Iterable[TripBucket]) -> dict[str, str]:
    """Return the short name of each kind: without its guardrail, where no other guardrail has the same verdict."""
    kinds = {(trip.guardrail, trip.verdict) for trip in trips}
    frequent = Counter(verdict for _, verdict in kinds)
    return {
        trip_name(guardrail, verdict): words.words(verdict or "no verdict")
        if frequent[verdict] == 1
        else trip_name(guardrail, verdict)
        for guardrail, verdict in kinds
    }


def bucket_starts(time_range: TimeRange, step: timedelta) -> list[datetime]:
    """Return the start of every bar of the range, those without a trip as well."""
    first = _EPOCH + (time_range.start - _EPOCH) // step * step
    return [first + number * step for number in range(-(-(time_range.end - first) // step))]


def trip_chart(view: View, trips: Sequence[TripBucket]) -> None:
    """Draw the trips over time, by guardrail and kind."""
    short, colours = legend_names(trips), trip_colours(trips)
    sums: dict[str, dict[datetime, int]] = {name: {} for name in (*colours, OTHERS)}
    checks: dict[str, str] = {}
    for trip in trips:
        name = trip_name(trip.guardrail, trip.verdict)
        shown = name if name in colours else OTHERS
        checks.setdefault(shown, trip.guardrail)
        sums[shown][trip.at] = sums[shown].get(trip.at, 0) + trip.trips
    series = {
        short.get(name, name): {
            at: Mark(
                number,
                f"{view.when(at)}: {words.count(number, 'trip')}, {name}",
                view.address(at=at, **({} if name == OTHERS else {"guardrails": (checks[name],)})),
            )
            for at, number in by_time.items()
        }
        for name, by_time in sums.items()
    }
    total = sum(trip.trips for trip in trips)
    chart = stacked_bars(
        series,
        colours={short[name]: colour for name, colour in colours.items()},
        starts=bucket_starts(view.range.time_range, view.step),
        step=view.step,
    )
    # With a single kind, too, the colour has to say which one it is.
    chart.figure.update_layout(showlegend=True)
    chart_card(
        f"Trips per {view.unit}, by guardrail and kind",
        f"{words.count(total, 'trip')} in {view.range.words}: messages, answers and actions",
        chart,
        key="trips_over_time",
        rows=trips,
        alt=f"Stacked bars: {words.count(total, 'guardrail trip')} per {view.unit} in {view.range.words}, by kind.",
        empty="No check stopped anything in this time.",
        links=view.links("guardrails", dict.fromkeys(trip.guardrail for trip in trips)),
    )


def guardrail_table(uses: Sequence[GuardrailUse], precision: Mapping[str, Precision]) -> None:
    """Draw one line for each guardrail: checks, trips, precision, and the time and cost that it adds."""
    none = {use.guardrail: Precision(guardrail=use.guardrail) for use in uses}
    marks = {**none, **precision}
    rows = [GuardrailLine(use=use, right=marks[use.guardrail].right, wrong=marks[use.guardrail].wrong) for use in uses]
    with card(
        "Each guardrail",
        "precision: right among the marked trips; added time: half and 95 of 100 checks took at most this long",
        key="guardrails",
        rows=rows,
    ):
        if not uses:
            st.caption("No guardrail checked anything in this time.")
            return
        st.dataframe(
            {
                "Guardrail": [words.words(use.guardrail) for use in uses],
                "Trips": [_trips(use) for use in uses],
                "Precision": [precision_words(marks[use.guardrail]) for use in uses],
                "Added time": [_times(use) for use in uses],
                "Cost": [words.cost(use.cost_usd, unpriced_calls=use.unpriced_calls) for use in uses],
            },
            hide_index=True,
            row_height=30,
            height="content",
            column_config={
                "Guardrail": st.column_config.TextColumn(width=138),
                "Trips": st.column_config.TextColumn(width=116),
                "Precision": st.column_config.TextColumn(width=84),
                "Added time": st.column_config.TextColumn(width=100),
                "Cost": st.column_config.TextColumn(width=72, alignment="right"),
            },
            alt="Each guardrail with its checks, trips, precision, added time and cost.",
        )


def precision_words(found: Precision) -> str:
    """Return the precision with the number that it rests on; never a share of nothing."""
    if not found.marked:
        return "none marked"
    return f"{found.right:,} of {found.marked:,}, {share(found.share)}"


def _trips(use: GuardrailUse) -> str:
    if not use.checks:
        return "no checks"
    return f"{use.trips:,} of {use.checks:,}, {share(use.trip_rate)}" if use.trips else f"0 of {use.checks:,}"


def _times(use: GuardrailUse) -> str:
    p50, p95 = use.times.p50_ms, use.times.p95_ms
    if p50 is None or p95 is None:
        return "no check ended"
    short, long = (words.duration(time).replace("under ", "< ") for time in (p50, p95))
    return short if short == long else f"{short}, {long}"
