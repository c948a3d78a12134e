"""The middle of the desk: who wrote, what was said, what the agents do, and the reply."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components.context import actor, services
from pages.components.dialogs import open_dialog
from pages.components.refusal import show_refusal, toast_refusal
from pages.components.run_view import RunView
from pages.components.selection import select_run
from pages.components.story import Line, story
from pages.components.text import plain
from pages.components.words import ago, count, exact, one_line, run_state
from triage.domain import Message, RunStatus
from triage.errors import TriageError
from triage.runs.intake import CONVERSATION_PREFIX

_DETAILS = "desk_details"
_STREAMED = "desk_streamed"
_RUN_AGAIN = ":material/replay: Run again"
_CANCEL = ":material/cancel: Cancel the run"
_ESCALATE = ":material/priority_high: Escalate to a person"
_TRACE = ":material/account_tree: Open the trace"
_LINK = ":material/link: Copy a link"


def header(view: RunView) -> None:
    """Draw the subject, the customer, the state and what can be done with the run."""
    run = view.run
    state = run_state(run)
    st.subheader(plain(one_line(run.message, limit=120)), anchor=False, wrap=False)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=False):
        st.badge(state.text, icon=state.icon, color=state.colour)
        with st.container(horizontal=True, horizontal_alignment="right", width="content", gap="xsmall", wrap=False):
            if run.assigned_to is None and (run.reply_sent_at is None or run.needs_person):
                st.button(
                    "Take over",
                    icon=":material/back_hand:",
                    on_click=_take_over,
                    args=(view,),
                    key="desk_take_over",
                    help="Stop the agents and go on by hand, with everything that they found.",
                )
            st.menu_button(
                "More",
                _actions(view),
                icon=":material/more_horiz:",
                key="desk_more_menu",
                on_click=_act,
                args=(view,),
            )
    facts = [plain(run.customer_email or "Unknown customer")]
    if run.account_id:
        facts.append(f"account {plain(run.account_id)}")
    facts.append(f"conversation {plain(run.conversation_id.removeprefix(CONVERSATION_PREFIX))}")
    if run.assigned_to:
        facts.append(f"with {plain(run.assigned_to)}")
    st.caption(" · ".join(facts))


def thread(view: RunView) -> None:
    """Draw the conversation up to the run's own message."""
    own = next((at for at, message in enumerate(view.messages) if message.id == view.run.message_id), None)
    earlier = view.messages[:own] if own is not None else []
    if earlier:
        with st.expander(count(len(earlier), "earlier message"), icon=":material/history:", type="compact"):
            for message in earlier[-50:]:
                _message(message)
    with st.chat_message("user", avatar=":material/person:"):
        st.text(view.run.message)
        st.caption(ago(view.run.created_at), help=exact(view.run.created_at))


def _message(message: Message) -> None:
    is_ours = message.author == "team"
    with st.chat_message(
        "assistant" if is_ours else "user", avatar=":material/support_agent:" if is_ours else ":material/person:"
    ):
        st.text(message.text)
        st.caption(f"{'Sent' if is_ours else 'Written'} {ago(message.created_at)}", help=exact(message.created_at))


def events(view: RunView) -> None:
    """Draw what happened, one line each; what belongs to a line unfolds."""
    lines = story(view.events)
    with st.container(border=True, gap="xsmall"):
        shown = [line for line in lines if st.session_state.get(_DETAILS) or not line.is_detail]
        if not shown:
            st.caption(":material/hourglass_empty: Accepted. The agents start as soon as one is free.")
        for line in shown:
            _line(view.run.id, line)
        if any(line.is_detail for line in lines):
            st.toggle("Show model calls, tokens and cost", key=_DETAILS)


def _line(run_id: str, line: Line) -> None:
    with st.expander(
        line.label, icon="spinner" if line.is_open else line.icon, type="step", key=f"line_{run_id}_{line.seq}"
    ):
        named = [f":gray[{plain(field.name)}:] {plain(field.value)}" for field in line.fields]
        st.markdown("  \n".join([*named, f":gray[{plain(exact(line.at))}]"]))


def streaming(view: RunView) -> None:
    """Draw the reply while it is being written."""
    text = _never_shorter(view)
    if text and not view.run.status.is_final:
        with st.chat_message("assistant", avatar=":material/support_agent:"):
            is_working = view.run.status is not RunStatus.AWAITING_APPROVAL
            st.caption("Reply draft, being written" if is_working else "Reply draft")
            st.text(text)


def _never_shorter(view: RunView) -> str:
    run_id, before = st.session_state.get(_STREAMED, ("", ""))
    text = steady(view.streamed, before=before if run_id == view.run.id else "")
    st.session_state[_STREAMED] = (view.run.id, text)
    return text


def steady(text: str, *, before: str) -> str:
    """Return the streamed text, or what was shown before while a piece of it is on its way to the log."""
    return before if before.startswith(text) else text


def next_message(view: RunView) -> None:
    """Take the customer's next message of this conversation."""
    later = [run for run in view.runs if run.created_at > view.run.created_at]
    if later:
        st.button(
            f"Go to the latest message of this conversation: {plain(one_line(later[-1].message, limit=50))}",
            icon=":material/arrow_forward:",
            type="tertiary",
            key="desk_latest",
            on_click=_open,
            args=(later[-1].id,),
        )
    text = st.chat_input("Add the customer's next message", key=f"next_{view.run.conversation_id}")
    if not text:
        return
    try:
        run = services().runs.submit(str(text), actor=actor(), conversation_id=view.run.conversation_id)
    except TriageError as error:
        show_refusal(error)
        st.caption("What you typed:")
        st.code(str(text), language=None, wrap_lines=True)
        return
    _open(run.id)


def _open(run_id: str) -> None:
    select_run(run_id)
    st.rerun()


def _actions(view: RunView) -> Sequence[str]:
    if view.run.status.is_final:
        return (_RUN_AGAIN, _ESCALATE, _TRACE, _LINK)
    return (_CANCEL, _ESCALATE, _TRACE, _LINK)


def _act(view: RunView) -> None:
    chosen = st.session_state["desk_more_menu"]
    if chosen == _RUN_AGAIN:
        try:
            run = services().runs.retry(view.run.id, actor=actor())
        except TriageError as error:
            toast_refusal(error)
            return
        _open(run.id)
    elif chosen == _TRACE:
        st.switch_page("traces.py", query_params={"trace": view.run.trace_id})
    else:
        open_dialog({_CANCEL: "cancel", _ESCALATE: "escalate", _LINK: "link"}[chosen])


def _take_over(view: RunView) -> None:
    if not view.run.status.is_final:
        open_dialog("take_over")
    try:
        services().runs.take_over(view.run.id, actor=actor())
    except TriageError as error:
        toast_refusal(error)
        return
    st.rerun()
