"""What belongs to a trace beyond its steps: the run's events as the desk tells them, the conversation's other runs."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.context import seen
from pages.components.refusal import show_refusal
from pages.components.story import story
from pages.components.text import plain
from pages.components.trace_columns import message_of, status_of
from pages.components.trace_share import runs_beside
from pages.components.trace_state import open_trace
from triage.domain.traces import TraceRow
from triage.errors import NotFound, TriageError


def around_it(row: TraceRow | None) -> None:
    """Draw the events of the run and the other runs of its conversation; both are read when they are opened."""
    if row is None:
        return
    if row.run_id:
        events = st.expander(
            "What the desk was told", icon=":material/list_alt:", key="trace_events", on_change="rerun"
        )
        if events.open:
            with events:
                _events(row.run_id)
    if row.conversation_id:
        others = st.expander(
            "Other runs of this conversation", icon=":material/forum:", key="trace_others", on_change="rerun"
        )
        if others.open:
            with others:
                _others(row)


def _events(run_id: str) -> None:
    try:
        lines = story(seen().runs.events(run_id))
    except NotFound:
        lines = []
    except TriageError as error:
        show_refusal(error)
        return
    if not lines:
        st.caption("The records have no events of this run.")
    with st.container(gap="xxsmall"):
        for line in lines:
            at = f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03}"
            st.markdown(f":gray[{plain(at)}] {line.icon} {line.label}")


def _others(row: TraceRow) -> None:
    found = runs_beside(row)
    if not found:
        st.caption("This is the only run of its conversation.")
    for other in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                plain(words.one_line(message_of(other), limit=90)), type="tertiary", key=f"trace_go_{other.trace_id}",
                on_click=open_trace, args=(other.trace_id,),
            )  # fmt: skip
            st.caption(
                f"{status_of(other)} · {words.ago(other.created_at)} · {words.money(other.cost_usd)}",
                help=words.exact(other.created_at), width="content",
            )  # fmt: skip
            st.button(
                "Compare", icon=":material/compare_arrows:", type="tertiary", key=f"trace_set_{other.trace_id}",
                on_click=open_trace, args=(row.trace_id,), kwargs={"other": other.trace_id},
            )  # fmt: skip
