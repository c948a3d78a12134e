"""What guardrails stopped: over time, each of them, and every trip with what people say of it."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from pages.components import words
from pages.components.context import actor, seen, services
from pages.components.guardrail_figures import guardrail_table, trip_chart
from pages.components.guardrail_trip import trip_view
from pages.components.guardrail_trips import (
    PAGE_SIZE,
    PARAM,
    WantedTrips,
    broken_trip_filters,
    trip_filters,
    trip_rows,
)
from pages.components.intake_note import intake_note
from pages.components.overview_view import View
from pages.components.panel import read_again_button
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.time_range import broken_range, time_range_control
from triage.access.actions import Action, may
from triage.domain.measures import TripPage, TripRow
from triage.domain.traces import MeasureFilter, TimeRange
from triage.errors import NotFound, TriageError
from triage.guardrails.reading import GuardrailFigures

KINDS = ("off_topic", "injection_attempt", "harmful", "billing_promise", "foreign_data", "secret", "bad_arguments",
         "refused", "instructions_withheld")  # fmt: skip


@st.cache_data(ttl=30, max_entries=40, show_spinner="Counting …")
def read_figures(time_range: TimeRange, step: timedelta) -> GuardrailFigures:
    """Return what each guardrail did, and the trips by bucket."""
    return seen().guardrails.reading.figures(time_range, step=step)


@st.cache_data(ttl=10, max_entries=40, show_spinner=False)
def read_trips(time_range: TimeRange, wanted: WantedTrips, page: int) -> TripPage:
    """Return one page of the trips; the first one is 1."""
    return seen().guardrails.trips(
        time_range,
        judged=wanted.judged,
        guardrails=wanted.guardrails,
        verdicts=wanted.verdicts,
        limit=PAGE_SIZE,
        offset=(page - 1) * PAGE_SIZE,
    )


def linked_trip(trip_id: str) -> TripRow | None:
    """Return the trip that the address names, or say why it cannot be shown."""
    try:
        return seen().guardrails.reading.get(trip_id)
    except NotFound as error:
        st.warning(plain(error), icon=":material/search_off:")
        return None


def cases_button() -> None:
    """Say how many cases there are, and offer them as a file."""
    count = seen().cases.count()
    st.download_button(
        words.count(count, "evaluation case"), lambda: "".join(services().cases.export(actor=actor())),
        file_name="cases.jsonl", mime="application/jsonl", icon=":material/download:", on_click="ignore", key="cases",
        disabled=not count or not may(actor(), Action.CASES_EXPORT), type="tertiary",
        help="Download the cases as JSONL; it is entered into the audit log.",
    )  # fmt: skip


head, controls = st.columns([1, 4], vertical_alignment="center")
head.title("Guardrails")
address = {name: st.query_params.get_all(name) for name in st.query_params}
with controls.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
    cases_button()
    chosen_range = time_range_control()
    if read_again_button():
        read_figures.clear()
        read_trips.clear()
view = View(chosen_range, MeasureFilter(), ())
time_range = chosen_range.time_range
try:
    figures = read_figures(time_range, view.step)
    precision = seen().guardrails.precision(time_range)
except TriageError as error:
    show_refusal(error)
    st.stop()
guardrails = {*figures.known, *(use.guardrail for use in figures.uses)}
verdicts = {*KINDS, *(trip.verdict for trip in figures.trips if trip.verdict)}
problems = [*broken_range(address), *broken_trip_filters(address, guardrails=guardrails, verdicts=verdicts)]
for problem in [*problems, *([chosen_range.problem] if chosen_range.problem else [])]:
    st.warning(plain(problem), icon=":material/link_off:")

intake_note()
left, right = st.columns([8, 12])
with left:
    trip_chart(view, figures.trips)
with right:
    guardrail_table(figures.uses, precision)

left, right = st.columns([11, 9], gap="medium")
with left.container(horizontal=True, vertical_alignment="center", gap="small"):
    wanted = trip_filters(guardrails, verdicts)
with left:
    slot = st.container()
    try:
        found = read_trips(time_range, wanted, 1)
        pages = max(1, -(-found.total // PAGE_SIZE))
        page = st.pagination(pages, key="trips_page", max_visible_pages=7) if pages > 1 else 1
        found = read_trips(time_range, wanted, min(page, pages))
    except TriageError as error:
        show_refusal(error)
        st.stop()
selected = st.query_params.get(PARAM)
shown = next((trip for trip in found.rows if trip.span_id == selected), None)
with right:
    shown = shown or (linked_trip(selected) if selected else None) or next(iter(found.rows), None)
marks = seen().guardrails.marks({trip.span_id for trip in (*found.rows, *([shown] if shown else []))})
with slot:
    if found.rows:
        st.caption(words.count(found.total, "trip"))
        trip_rows(found.rows, marks, selected=shown.span_id if shown else None)
    elif any(wanted):
        st.info("No trip fits these filters. Clear some, or take a longer time.", icon=":material/search_off:")
    else:
        st.info("No check stopped anything in this time. Take a longer one.", icon=":material/shield:")
with right:
    if shown is not None:
        trip_view(shown, marks.get(shown.span_id), seen().cases.of_trips([shown.span_id]).get(shown.span_id))
    else:
        st.caption("A trip shows here: the message, the verdict with its reason, and what people say of it.")
