"""Runs by status and category, and how long conversations become."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import words
from pages.components.chart_card import chart_card
from pages.components.charts import PALETTE, Mark, lines, ranked_bars
from pages.components.overview_view import View
from triage.domain import Category, RunStatus
from triage.domain.measures import StatusCategory
from triage.measures.topics import RunTopic

NO_CATEGORY = "No category"


def draw_runs(view: View, runs: RunTopic) -> None:
    """Draw the part on runs."""
    left, right = st.columns(2)
    with left:
        outcome_card(view, runs.outcomes)
    with right:
        turn_card(view, runs)


def outcome_card(view: View, outcomes: Sequence[StatusCategory]) -> None:
    """Draw one bar for each status, split by the category in force."""
    totals: dict[str, int] = {}
    for outcome in outcomes:
        totals[outcome.status] = totals.get(outcome.status, 0) + outcome.runs
    status_words = {status: words.run_status(RunStatus(status)).text for status in totals}
    series = {}
    for category in [*(category.value for category in Category), None]:
        name = words.category(Category(category)).text if category else NO_CATEGORY
        series[name] = {
            status_words[outcome.status]: Mark(
                outcome.runs,
                f"{status_words[outcome.status]}: {words.count(outcome.runs, 'run')}, {name}",
                view.address(statuses=(outcome.status,), **({"categories": (category,)} if category else {})),
            )
            for outcome in outcomes
            if outcome.category == category
        }
    ranked = sorted(totals, key=lambda status: -totals[status])
    total = sum(totals.values())
    chart_card(
        "Runs by status and category",
        f"{words.count(total, 'run')}; the category is the label in force",
        ranked_bars(
            {name: bars for name, bars in series.items() if bars},
            colours=dict(zip(series, PALETTE, strict=True)),
            rows=[status_words[status] for status in ranked],
        ),
        key="outcomes",
        rows=outcomes,
        alt=f"Bars: {words.count(total, 'run')} in {view.range.words} by status, split by category; most are "
        f"{status_words[ranked[0]].lower() if ranked else 'none'}.",
        links=[(status_words[status], view.address(statuses=(status,))) for status in ranked],
    )


def turn_card(view: View, runs: RunTopic) -> None:
    """Draw how many turns a conversation takes."""
    turns, before = runs.turns, runs.turns_before
    marks = [
        Mark(
            bucket.mean,
            f"{view.when(bucket.at)}: {bucket.mean or 0:.1f} turns in the average of "
            f"{words.count(bucket.conversations, 'conversation')}",
            view.address(at=bucket.at),
        )
        for bucket in runs.turns_by_time
    ]
    said = "no conversation"
    if turns.mean is not None:
        said = (
            f"{turns.mean:.1f} on average, half at most {turns.p50 or 0:.0f}, 95 % at most {turns.p95 or 0:.0f}, "
            f"the longest {turns.longest:,}"
        )
    if before.mean is not None:
        said += f"; {before.mean:.1f} on average in the period before"
    chart_card(
        f"Turns per conversation, average per {view.unit}",
        f"{said}. A turn is one model answer of an agent.",
        lines(
            {"Average": marks},
            colours={"Average": PALETTE[0]},
            starts=[bucket.at for bucket in runs.turns_by_time],
            step=view.step,
        ),
        key="turns",
        rows=[bucket for bucket in runs.turns_by_time if bucket.conversations],
        alt=f"Line: average number of turns in a conversation per {view.unit}, {view.range.words}.",
        links=[("All runs of this time", view.address())],
    )
