"""What the desk did in a time range: one row of numbers, then the charts behind them, part by part."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.components import words
from pages.components.alert_strip import alert_strip
from pages.components.came_back import remember, what_was_left
from pages.components.context import actor, seen
from pages.components.intake_note import intake_note
from pages.components.measure_filters import broken_filters, filter_words, measure_filters
from pages.components.overview_view import View
from pages.components.panel import read_again_button
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.time_range import ChosenRange, broken_range, time_range_control
from pages.components.topic_cost import draw_costs
from pages.components.topic_handoffs import draw_handoffs
from pages.components.topic_people import draw_people
from pages.components.topic_runs import draw_runs
from pages.components.topic_summary import draw_summary, time_card
from pages.components.topic_tools import draw_tools
from pages.components.totals import totals_row
from triage.access.actions import Action, require
from triage.domain import Actor
from triage.domain.traces import MeasureFilter, TraceChoices
from triage.errors import TriageError
from triage.measures.topics import Head, Question

TOPICS = ("Summary", "Runs", "Cost", "Times", "Handoffs", "Tools and models", "People")
EVERY = {"By hand": None, "Every 30 s": 30, "Every minute": 60, "Every 5 min": 300}


@st.cache_data(ttl=30, max_entries=100, show_spinner="Counting …")
def answer(topic: str, question: Question) -> Any:
    """Return the figures of one part of the page."""
    return getattr(seen().measures, topic)(question)


@st.cache_data(ttl=30, max_entries=40, show_spinner="Counting …")
def people_answer(question: Question, name: str, role: str) -> Any:
    """Return the figures of people that this person may see."""
    return seen().measures.people(question, actor=Actor(name=name, role=role))


@st.cache_data(ttl=60, max_entries=1, show_spinner=False)
def read_choices() -> TraceChoices:
    """Return what can be filtered by."""
    return seen().measures.choices()


def draw_topic(topic: str, view: View, head: Head, question: Question) -> None:
    """Draw one part of the page."""
    if topic == "Summary":
        draw_summary(view, head, answer("runs", question))
    elif topic == "Runs":
        draw_runs(view, answer("runs", question))
    elif topic == "Cost":
        draw_costs(view, head, answer("costs", question))
    elif topic == "Times":
        for column, kind in zip(st.columns(2), ("completion", "first_event"), strict=True):
            with column:
                time_card(view, head.times_by_time, kind=kind)
    elif topic == "Handoffs":
        draw_handoffs(view, answer("handoffs", question))
    elif topic == "Tools and models":
        draw_tools(view, answer("tools", question))
    else:
        person = actor()
        draw_people(view, people_answer(question, person.name, person.role.value))


def figures(chosen_range: ChosenRange, chosen: MeasureFilter, choices: TraceChoices, *, usual: str) -> None:
    """Draw the numbers and the chosen part; the range is read anew, so that it ends now each time."""
    view = View(chosen_range.until_now(), chosen, tuple(choices.models))
    question = Question(time_range=view.range.time_range, chosen=view.chosen, step=view.step)
    try:
        # The cache does not know who asks.
        require(actor(), Action.MEASURES_READ)
        head = answer("head", question)
        alert_strip()
        intake_note()
        totals_row(view, head, approvals=seen().approvals)
        topic = st.segmented_control(
            "Part", TOPICS, default=usual, required=True, key="part", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        remember(range=chosen_range, chosen=chosen, part=topic)
        if head.is_empty and topic != "People":
            with st.container(border=True):
                narrowed = " and these filters" if filter_words(chosen) else ""
                st.markdown(
                    f"**No runs in {plain(view.range.words)}{narrowed}.** Choose a longer time range"
                    + (" or clear the filters." if narrowed else ", or submit a message on the desk.")
                )
                st.page_link("desk.py", label="Go to the desk", icon=":material/inbox:")
            return
        draw_topic(topic, view, head, question)
    except TriageError as error:
        show_refusal(error)
        return
    st.caption(
        f"Read at {words.exact(head.read_at)}, days are UTC. Changes are against {plain(view.range.before)}."
        " A click on a bar or point lists the traces behind it, as do the links in the head of a card."
    )


head_column, controls = st.columns([1, 5], vertical_alignment="center")
head_column.title("Overview")
address = {name: st.query_params.get_all(name) for name in st.query_params}
try:
    choices = read_choices()
except TriageError as error:
    show_refusal(error)
    st.stop()
left = what_was_left()
problems = [*broken_range(address), *broken_filters(address, choices)]
with controls.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
    chosen_range = time_range_control(usual=left.range)
    chosen = measure_filters(choices, usual=left.chosen)
    every = st.selectbox(
        "Refresh", list(EVERY), key="refresh", bind="query-params", label_visibility="collapsed", width=122,
        help="How often the figures are read again by themselves.",
    )  # fmt: skip
    if read_again_button():
        for cached in (answer, people_answer, read_choices):
            cached.clear()
for problem in [*problems, *([chosen_range.problem] if chosen_range.problem else [])]:
    st.warning(plain(problem), icon=":material/link_off:")
if narrowed_to := filter_words(chosen):
    st.caption(f"Only {plain(narrowed_to)}.")
st.fragment(figures, run_every=EVERY.get(every))(chosen_range, chosen, choices, usual=left.part or TOPICS[0])
