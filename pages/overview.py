"""What the desk did in a time range: one row of numbers, then the charts behind them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from pages.components import charts, words
from pages.components.context import services
from pages.components.panel import chart_panel
from pages.components.totals import totals_row
from triage.domain import RunStatus, utc_now

RANGES = {
    "1 h": (timedelta(hours=1), timedelta(minutes=5)),
    "24 h": (timedelta(hours=24), timedelta(hours=1)),
    "7 d": (timedelta(days=7), timedelta(days=1)),
    "30 d": (timedelta(days=30), timedelta(days=1)),
    "90 d": (timedelta(days=90), timedelta(days=1)),
}


@st.cache_data(ttl=20, max_entries=20, show_spinner=False)
def read_overview(name: str) -> tuple[Any, datetime]:
    """Return the figures of a range and when they were read."""
    length, step = RANGES[name]
    until = utc_now()
    return services().trace_queries.overview(length=length, until=until, step=step), until


head, controls = st.columns([2, 3], vertical_alignment="center")
head.title("Overview")
with controls.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
    chosen = st.segmented_control(
        "Time range",
        list(RANGES),
        default="7 d",
        required=True,
        key="range",
        bind="query-params",
        label_visibility="collapsed",
    )
    if st.button("Refresh", icon=":material/refresh:", help="Read the figures again; they are at most 20 seconds old."):
        read_overview.clear()

overview, read_at = read_overview(chosen)
totals = overview.totals
step = RANGES[chosen][1]

totals_row(overview, approvals=services().approvals, period=chosen)

if not totals.runs and not overview.models:
    with st.container(border=True):
        st.markdown(f"**No runs in the last {chosen}.** Choose a longer time range, or submit a message on the desk.")
        st.page_link("desk.py", label="Go to the desk", icon=":material/inbox:")
    st.stop()

unit = "day" if step >= timedelta(days=1) else "hour" if step >= timedelta(hours=1) else "5 minutes"
starts = [bucket.at for bucket in overview.runs]
left, right = st.columns(2)
with left:
    measures = {"Cost": "cost", "Calls": "calls", "Tokens": "tokens"}
    is_free = not any(bucket.cost_usd for bucket in overview.models)
    picked = st.session_state.get("measure") or ("Calls" if is_free else "Cost")
    measure = measures[picked]
    unpriced = sum(bucket.unpriced_calls for bucket in overview.models)
    note = f"{words.count(unpriced, 'call')} unpriced, not counted" if unpriced else "every call priced"
    noun = {"cost": "Cost by model, US dollars", "calls": "Model calls", "tokens": "Tokens, read and written"}[measure]
    clicked = chart_panel(
        f"{noun} per {unit}",
        note,
        charts.model_figure(
            overview.models, known_models=overview.known_models, measure=measure, starts=starts, step=step
        ),
        key="by_model",
        rows=overview.models,
        alt=f"Stacked bars: {noun.lower()} per {unit} over the last {chosen}, by model.",
        choices=list(measures),
        choice=picked,
        choice_key="measure",
    )
    if clicked:
        day, model = clicked
        st.switch_page(
            "traces.py", query_params={"day": day, **({} if model == charts.OTHER_MODELS else {"model": model})}
        )
with right:
    clicked = chart_panel(
        "Time to completion, seconds",
        f"half and 95 % of the runs per {unit}, without waiting for people",
        charts.latency_figure(overview.runs, step=step),
        key="latency",
        rows=overview.runs,
        alt=f"Lines: median and 95th percentile of active time in seconds per {unit} over the last {chosen}.",
    )
    if clicked:
        st.switch_page("traces.py", query_params={"day": clicked[0], "sort": "Slowest"})

left, right = st.columns(2)
with left:
    clicked = chart_panel(
        "Runs by status and category",
        words.count(totals.runs, "run"),
        charts.outcome_figure(overview.outcomes),
        key="outcomes",
        rows=overview.outcomes,
        alt=f"Bars: number of runs in each status over the last {chosen}, split by category.",
    )
    if clicked:
        status = words.run_status(RunStatus(clicked[0])).text
        st.switch_page("traces.py", query_params={"period": chosen, "trace_status": status})
with right:
    clicked = chart_panel(
        "Guardrail trips by check and verdict",
        words.count(totals.blocked, "run") + " stopped",
        charts.trip_figure(overview.trips),
        key="trips",
        rows=overview.trips,
        alt=f"Bars: number of runs stopped by each guardrail and verdict over the last {chosen}.",
        empty="No check stopped a run in this time.",
    )
    if clicked:
        status = words.run_status(RunStatus.BLOCKED).text
        st.switch_page("traces.py", query_params={"period": chosen, "trace_status": status})
st.caption(
    f"Read at {words.exact(read_at)}. Days and hours are UTC. A click on a bar or point lists the traces behind it."
)
