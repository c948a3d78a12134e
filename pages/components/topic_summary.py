"""The overview at a glance: runs, cost, times and what guardrails stopped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import streamlit as st

from pages.components import words
from pages.components.chart_card import chart_card
from pages.components.charts import OTHER_MODELS, PALETTE, Chart, Mark, lines, ranked_bars, shown_model, stacked_bars
from pages.components.overview_view import View
from pages.components.text import plain
from triage.domain import RunStatus
from triage.domain.measures import RunBucket, RunTimesBucket, SpendingBucket, TripCount
from triage.measures.topics import Head, RunTopic

OUTCOMES = {
    "completed": ("Done", PALETTE[0], (RunStatus.COMPLETED,)),
    "waiting": ("At work or waiting", PALETTE[1], (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.AWAITING_APPROVAL)),
    "blocked": ("Blocked", PALETTE[3], (RunStatus.BLOCKED,)),
    "failed": ("Failed", PALETTE[4], (RunStatus.FAILED,)),
    "cancelled": ("Cancelled", PALETTE[5], (RunStatus.CANCELLED,)),
}
"""How runs ended, by the field that counts them: name, colour, statuses."""
PERCENTILES = {"p50": PALETTE[0], "p95": PALETTE[1], "p99": PALETTE[2]}
COUNTED = {"Cost": "cost_usd", "Calls": "calls", "Tokens": "tokens"}


def draw_summary(view: View, head: Head, runs: RunTopic) -> None:
    """Draw the four charts that answer most questions."""
    left, right = st.columns(2)
    with left:
        runs_card(view, head.runs_by_time)
    with right:
        model_card(view, head)
    left, right = st.columns(2)
    with left:
        time_card(view, head.times_by_time, kind="completion")
    with right:
        trip_card(view, runs.trips)


def runs_card(view: View, buckets: Sequence[RunBucket]) -> None:
    """Draw the runs over time by how they ended."""
    series = {}
    for field, (name, _, statuses) in OUTCOMES.items():
        chosen = tuple(status.value for status in statuses)
        series[name] = {
            bucket.at: Mark(
                getattr(bucket, field),
                f"{view.when(bucket.at)}: {words.count(getattr(bucket, field), 'run')}, {name.lower()}",
                view.address(at=bucket.at, statuses=chosen),
            )
            for bucket in buckets
        }
    total = sum(bucket.runs for bucket in buckets)
    chart_card(
        f"Runs per {view.unit}, by how they ended",
        f"{words.count(total, 'run')}, by the time of submission",
        stacked_bars(
            series,
            colours={name: colour for name, colour, _ in OUTCOMES.values()},
            starts=[bucket.at for bucket in buckets],
            step=view.step,
        ),
        key="runs_by_time",
        rows=[bucket for bucket in buckets if bucket.runs],
        alt=f"Stacked bars: {words.count(total, 'run')} in {view.range.words}, per {view.unit} and by how they ended.",
        links=[
            (name, view.address(statuses=tuple(status.value for status in statuses)))
            for name, _, statuses in OUTCOMES.values()
        ],
    )


def model_card(view: View, head: Head) -> None:
    """Draw what each model cost, was called or read and wrote, over time."""
    is_free = not head.spending.cost_usd
    choices = sorted(COUNTED, key=lambda name: name == "Cost") if is_free else list(COUNTED)
    picked = st.session_state.get("counted") or choices[0]
    noun = {"Cost": "Cost", "Calls": "Model calls", "Tokens": "Tokens read and written"}[picked]
    unpriced = head.spending.unpriced_calls
    total = {
        "Cost": words.money(head.spending.cost_usd),
        "Calls": words.count(head.spending.calls, "call"),
        "Tokens": words.count(head.spending.input_tokens + head.spending.output_tokens, "token"),
    }[picked]
    priced = f"{words.count(unpriced, 'call')} unpriced, not counted" if unpriced else "every call priced"
    buckets = head.spending_by_time
    chart_card(
        f"{noun} per {view.unit}, by model" + (" (USD)" if picked == "Cost" else ""),
        f"{plain(total)} in all" + (f"; {priced}" if picked == "Cost" else ""),
        _model_chart(view, buckets, starts=[bucket.at for bucket in head.runs_by_time], counted=picked),
        key="models_by_time",
        rows=buckets,
        alt=f"Stacked bars: {noun.lower()} per {view.unit} and model in {view.range.words}, {total} in all.",
        links=view.links("models", dict.fromkeys(bucket.name for bucket in buckets)),
        choices=choices,
        choice_key="counted",
    )


def time_card(view: View, buckets: Sequence[RunTimesBucket], *, kind: str) -> None:
    """Draw three percentiles of the times to ``completion`` or to the ``first_event``."""
    series = {}
    for name in PERCENTILES:
        series[name] = []
        for bucket in buckets:
            times = getattr(bucket, kind)
            ms = getattr(times, f"{name}_ms")
            said = f"{view.when(bucket.at)}: {name} {words.duration(ms)} of {words.count(times.count, 'run')}"
            series[name].append(Mark(None if ms is None else ms / 1000, said, view.address(at=bucket.at)))
    title, note = {
        "completion": ("Time to completion", "without waiting for people"),
        "first_event": ("Time to the first event", "counted from submission"),
    }[kind]
    chart_card(
        f"{title} per {view.unit}, seconds",
        f"50, 95 and 99 of 100 runs took at most this long, {note}",
        lines(series, colours=PERCENTILES, starts=[bucket.at for bucket in buckets], step=view.step, suffix=" s"),
        key=f"{kind}_times",
        rows=[bucket for bucket in buckets if getattr(bucket, kind).count],
        alt=f"Lines: median, 95th and 99th percentile of the {title.lower()} in seconds per {view.unit}, "
        f"{view.range.words}.",
        links=[("All runs of this time", view.address())],
    )


def trip_card(view: View, trips: Sequence[TripCount]) -> None:
    """Draw how often each guardrail stopped something, by its verdict."""
    names = {
        trip: f"{words.words(trip.guardrail or 'a check')}: {words.words(trip.verdict or 'no verdict').lower()}"
        for trip in trips
    }
    bars = {
        names[trip]: Mark(
            trip.trips,
            f"{names[trip]}, {words.count(trip.trips, 'trip')}",
            view.address(guardrails=(trip.guardrail,) if trip.guardrail else ()),
        )
        for trip in trips[:8]
    }
    total = sum(trip.trips for trip in trips)
    chart_card(
        "Guardrail trips, by check and verdict",
        f"{words.count(total, 'trip')}; each stopped message, answer or action counts once",
        ranked_bars({"Trips": bars}, colours={"Trips": PALETTE[3]}, rows=list(bars)),
        key="trips",
        rows=trips,
        alt=f"Bars: {words.count(total, 'guardrail trip')} in {view.range.words}, by guardrail and verdict.",
        empty="No check stopped anything in this time.",
        links=view.links("guardrails", dict.fromkeys(trip.guardrail for trip in trips)),
    )


def _model_chart(view: View, buckets: Sequence[SpendingBucket], *, starts: Sequence[datetime], counted: str) -> Chart:
    sums: dict[str, dict[datetime, Decimal | int]] = defaultdict(lambda: defaultdict(int))
    for bucket in buckets:
        amount = (
            bucket.input_tokens + bucket.output_tokens if counted == "Tokens" else getattr(bucket, COUNTED[counted])
        )
        sums[shown_model(bucket.name, view.colours)][bucket.at] += amount

    def said(amount: Decimal | int) -> str:
        return words.money(amount) if counted == "Cost" else words.count(int(amount), counted[:-1].lower())

    series: dict[str, dict[datetime, Mark]] = {}
    for name in [*(model for model in view.models if model in sums), *([OTHER_MODELS] * (OTHER_MODELS in sums))]:
        narrow = {} if name == OTHER_MODELS else {"models": (name,)}
        series[name] = {
            at: Mark(float(amount), f"{view.when(at)}: {said(amount)}, {name}", view.address(at=at, **narrow))
            for at, amount in sums[name].items()
        }
    return stacked_bars(
        series, colours=view.colours, starts=starts, step=view.step, prefix="$" if counted == "Cost" else ""
    )
