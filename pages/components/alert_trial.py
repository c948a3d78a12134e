"""What a rule would have said of the past: a chart with its thresholds, and when its state would have changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd
import streamlit as st

from pages.components import charts
from pages.components.alert_words import STATES, limits, window
from pages.components.context import seen
from pages.components.panel import card_head
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.words import count, exact
from triage.alerts.measures import MEASURES, said
from triage.domain import AlertRule, AlertState, PastPoint
from triage.errors import TriageError

DAYS = (7, 14, 30, 60, 90)
_KEPT = "alert_trial"
_WARNING, _ALERT = "#D97706", "#DC2626"
_PERCENT = ("share", "growth")


def keep_trial(rule: AlertRule, *, days: int) -> None:
    """Try a rule and keep what came of it, for as long as this rule is open."""
    try:
        with st.spinner(f"Trying it on {days} days …"):
            points = seen().alerts.try_out(rule, days=days)
    except TriageError as error:
        st.session_state.pop(_KEPT, None)
        show_refusal(error)
        return
    st.session_state[_KEPT] = (rule, days, points)


def show_trial(opened: AlertRule) -> None:
    """Draw what the last trial of this rule has found; nothing where it was not tried."""
    rule, days, points = st.session_state.get(_KEPT, (None, 0, []))
    if rule is None or (rule.id, rule.measure) != (opened.id, opened.measure):
        return
    spec = MEASURES[rule.measure]
    with st.container(border=True, gap="small"):
        card_head(f"The last {days} days", f"{spec.title} over {window(rule.window_hours)} each; {plain(limits(rule))}")
        if all(point.reading.value is None or point.state is AlertState.NO_DATA for point in points):
            st.caption("There would have been no data: too few runs to judge by, or nothing to compare with.")
            return
        st.markdown(trial_sentence(points))
        st.plotly_chart(
            trial_chart(rule, points).figure, key="alert_trial_chart", config={"displayModeBar": False},
            alt=f"Line: {spec.title.lower()} over the last {days} days, with lines at {limits(rule)}.",
        )  # fmt: skip
        rows = trial_rows(rule, points)
        if rows:
            st.dataframe(pd.DataFrame(rows), hide_index=True, alt="When the state would have changed")


def trial_sentence(points: Sequence[PastPoint]) -> str:
    """Return how often the rule would have warned and alerted."""
    begun = [after.state for before, after in pairwise(points) if after.state is not before.state]
    begun += [points[0].state] if points else []
    alerts, warnings = begun.count(AlertState.ALERT), begun.count(AlertState.WARNING)
    if not alerts and not warnings:
        return "It would have said nothing: the figure stayed within its limits."
    warned = f"warned {count(warnings, 'time')}" if warnings else "never warned"
    alerted = f"been at alert {count(alerts, 'time')}" if alerts else "never been at alert"
    return f"It would have **{warned}** and **{alerted}**."


def trial_chart(rule: AlertRule, points: Sequence[PastPoint]) -> charts.Chart:
    """Return the line of the figure with its two thresholds; where there is no data is a gap."""
    spec = MEASURES[rule.measure]
    step = points[1].at - points[0].at if len(points) > 1 else points[0].at - points[0].at
    factor = 100 if spec.unit in _PERCENT else 1
    marks = [
        charts.Mark(
            None if point.state is AlertState.NO_DATA or point.reading.value is None else point.reading.value * factor,
            f"{exact(point.at)}<br>{said(point.reading.value, spec.unit)}, {point.reading.count:,} {spec.counted}",
        )
        for point in points
    ]
    # A reading belongs to its moment, and the lines of buckets have their points in the middle.
    starts = [point.at - step / 2 for point in points]
    suffix = {"share": " %", "growth": " %", "seconds": " s", "turns": ""}[spec.unit]
    chart = charts.lines(
        {spec.title: marks}, colours={spec.title: charts.PALETTE[0]}, starts=starts, step=step, suffix=suffix
    )
    chart.figure.update_traces(marker={"size": 4})
    chart.figure.update_xaxes(tickformat="%-d %b")
    for threshold, colour, word in ((rule.warn_at, _WARNING, "warning"), (rule.alert_at, _ALERT, "alert")):
        chart.figure.add_hline(
            y=threshold * factor, line={"color": colour, "width": 1.5, "dash": "dash"}, annotation_text=word,
            annotation_position="top left",
        )  # fmt: skip
    return chart


def trial_rows(rule: AlertRule, points: Sequence[PastPoint]) -> list[dict[str, str]]:
    """Return when the state would have changed, the newest first."""
    unit = MEASURES[rule.measure].unit
    changed = [(before, after) for before, after in pairwise(points) if after.state is not before.state]
    return [
        {
            "When": f"{after.at:%Y-%m-%d %H:%M} UTC",
            "From": STATES[before.state].text,
            "To": STATES[after.state].text,
            "Value": said(after.reading.value, unit),
        }
        for before, after in reversed(changed)
    ]
