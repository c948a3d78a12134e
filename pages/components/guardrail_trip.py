"""One trip: the message, what the guardrail said of it, and what a person says of that."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.context import actor, seen, services
from pages.components.guardrail_release import ask_release, show_release
from pages.components.guardrail_trips import PARAM
from pages.components.links import desk_link, trace_link
from pages.components.refusal import toast_refusal
from pages.components.text import plain
from triage.access.actions import Action, may
from triage.domain import Case, Judgement, Run, RunStatus, TripMark
from triage.domain.measures import TripRow
from triage.errors import NotFound, TriageError

_STAGES = {
    "input": "stopped the message before the work",
    "output": "stopped the answer",
    "tool_input": "held back an action of the agents",
    "tool_output": "cleaned what a tool brought back",
}
_ICONS = {Judgement.RIGHT: ":material/thumb_up:", Judgement.WRONG: ":material/thumb_down:"}


def trip_view(trip: TripRow, mark: TripMark | None, case: Case | None) -> None:
    """Draw one trip with all that can be done about it."""
    run = _run_of(trip)
    with st.container(border=True, key="trip", gap="small"):
        _head(trip, run)
        st.caption("Message")
        with st.container(border=True):
            st.text((run.message if run else trip.excerpt) or "The message is no longer kept.")
        if run is None and trip.excerpt:
            st.caption("This is its beginning; the rest is no longer kept.")
        st.caption("Reason of the guardrail")
        st.text(trip.reason or "Its words are not kept.")
        _mark_part(trip, mark)
        release = seen().runs.find_release(run.id) if run is not None else None
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _case_part(trip, mark, case, has_message=run is not None)
            if run is not None and release is None and trip.stage == "input" and run.status is RunStatus.BLOCKED:
                ask_release(run)
        if release is not None:
            show_release(release)


def _run_of(trip: TripRow) -> Run | None:
    try:
        return seen().runs.get(trip.run_id) if trip.run_id else None
    except NotFound:
        return None


def _head(trip: TripRow, run: Run | None) -> None:
    st.markdown(f"**{plain(words.words(trip.guardrail))}** {_STAGES.get(trip.stage or '', 'stopped the run')}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(plain(words.words(trip.verdict or "no verdict")), icon=":material/gpp_bad:", color="gray")
        if run is not None:
            status = words.run_status(run.status)
            st.badge(status.text, icon=status.icon, color=status.colour)
        st.space("stretch")
        trace_link(trip.trace_id)
        if run is not None:
            desk_link(run.id)
    facts = [words.ago(trip.at), f"the check took {words.duration(trip.duration_ms)}", trip.customer_email or ""]
    st.caption(" · ".join(plain(fact) for fact in facts if fact), help=words.exact(trip.at))


def _mark_part(trip: TripRow, mark: TripMark | None) -> None:
    """Draw what was said of the trip, and the buttons that say it."""
    may_mark = may(actor(), Action.GUARDRAILS_MARK)
    note_key = f"note_{trip.span_id}"
    if note_key not in st.session_state and mark is not None:
        st.session_state[note_key] = mark.note
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Was it right to stop this?", key=note_key, placeholder="A note, if there is more to say", max_chars=1000,
            width="stretch", disabled=not may_mark,
        )  # fmt: skip
        for judgement in Judgement:
            is_set = mark is not None and mark.judgement is judgement
            st.button(
                judgement.value.capitalize(), icon=_ICONS[judgement], key=f"mark_{judgement.value}",
                type="primary" if is_set else "secondary", on_click=_mark, args=(trip.span_id, judgement, note_key),
                disabled=not may_mark, help=None if may_mark else "Marking takes the role manager.",
            )  # fmt: skip
    if mark is not None:
        st.caption(
            f"Marked as {mark.judgement.value} by {plain(mark.marked_by)} {plain(words.ago(mark.marked_at))}",
            help=words.exact(mark.marked_at),
        )
    else:
        st.caption("Not marked yet. Marks give the precision of the guardrail.")


def _mark(trip_id: str, judgement: Judgement, note_key: str) -> None:
    try:
        services().guardrails.mark(
            trip_id, judgement=judgement, note=str(st.session_state.get(note_key) or ""), actor=actor()
        )
    except TriageError as error:
        toast_refusal(error)
        return
    # It stays open, also where the list shows only what is not marked yet.
    st.query_params[PARAM] = trip_id


def _case_part(trip: TripRow, mark: TripMark | None, case: Case | None, *, has_message: bool) -> None:
    if case is not None:
        st.markdown(
            f":material/library_add_check: Evaluation case by {plain(case.created_by)}: expects"
            f" **{plain(words.words(case.expected_verdict).lower())}**"
        )
        return
    why_not = None
    if mark is None:
        why_not = "Mark it first: the case has to know what to expect."
    elif not has_message:
        why_not = "The message is no longer kept."
    elif not may(actor(), Action.CASES_MAKE):
        why_not = "Making a case takes the role manager."
    st.button(
        "Make it an evaluation case", icon=":material/library_add:", key="make_case", on_click=_make_case,
        args=(trip.span_id,), disabled=why_not is not None, help=why_not,
    )  # fmt: skip


def _make_case(trip_id: str) -> None:
    try:
        services().cases.add_from_trip(trip_id, actor=actor())
    except TriageError as error:
        toast_refusal(error)
