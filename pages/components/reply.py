"""The reply after the run has ended: edited, kept, copied and marked as sent."""

from __future__ import annotations

import streamlit as st

from pages.components.context import actor, services
from pages.components.refusal import show_refusal
from pages.components.reply_text import begin, begun_with, is_behind, keep_own, saved, take_other, text_key, unsent_text
from pages.components.run_view import RunView
from pages.components.text import plain
from pages.components.words import ago, exact
from triage.domain import Run
from triage.errors import Conflict, TriageError

_REFUSED = "reply_refused"


def reply(view: RunView) -> None:
    """Draw the reply; once sent it cannot be changed."""
    run = view.run
    if run.hold_message:
        st.caption("While a person decides, you can tell the customer:")
        st.code(run.hold_message, language=None, wrap_lines=True)
    if not run.status.is_final:
        return
    if run.reply_sent_at is not None:
        _sent(view)
        if run.needs_person:
            _another(run)
        return
    filled = begin(view)
    behind = is_behind(run)
    _told_before(run, is_behind=behind)
    own, other = st.columns(2) if behind else (st.container(), None)
    text = own.text_area(
        _title(view),
        value=filled,
        key=text_key(run),
        height="content",
        placeholder="Write the reply to the customer.",
    )
    if other is not None:
        with other:
            _other(run)
    _act(run, text or "", is_behind=behind)


def _act(run: Run, text: str, *, is_behind: bool) -> None:
    """Draw what can be done with the text; before both versions are compared nothing is written."""
    with st.container(horizontal=True, vertical_alignment="center"):
        sent = st.button(
            "Mark as sent",
            type="primary",
            icon=":material/mark_email_read:",
            key=f"sent_{run.id}",
            disabled=is_behind,
            help="Send it with your mail program; this keeps that, when and by whom.",
        )
        kept = st.button("Save", icon=":material/save:", key=f"save_{run.id}", disabled=is_behind)
        with st.popover("Copy", icon=":material/content_copy:"):
            st.code(text, language=None, wrap_lines=True)
        if run.reply_edited_by:
            st.caption(f"Edited by {plain(run.reply_edited_by)}")
    # A click on a button that was not disabled yet still arrives.
    if is_behind or not (sent or kept):
        return
    begun = begun_with(run) or ""
    try:
        if sent:
            changed = services().runs.mark_sent(run.id, text=text, actor=actor(), seen=begun)
        else:
            changed = services().runs.edit_reply(run.id, text=text, actor=actor(), seen=begun)
    except Conflict as error:
        # What the page shows is older than the record: it is drawn again, with the sentence and the other version.
        st.session_state[_REFUSED] = (run.id, str(error))
    except TriageError as error:
        show_refusal(error)
        return
    else:
        saved(changed, text)
        st.toast("Marked as sent." if sent else "The reply is kept.", icon=":material/check:")
    st.rerun()


def _told_before(run: Run, *, is_behind: bool) -> None:
    """Say why the last click was refused, or that another version stands beside one's own."""
    run_id, sentence = st.session_state.pop(_REFUSED, (None, ""))
    if run_id == run.id:
        show_refusal(sentence)
    elif is_behind:
        st.warning(
            f"{plain(run.reply_edited_by or 'Somebody')} changed this reply meanwhile. Choose between the two.",
            icon=":material/difference:",
        )


def _other(run: Run) -> None:
    """Draw the version that stands in the records, and the choice between it and one's own."""
    st.caption(f"Version of {plain(run.reply_edited_by or 'somebody else')}")
    with st.container(border=True):
        st.text(run.reply or "")
    with st.container(horizontal=True):
        st.button("Use this version", key=f"take_other_{run.id}", on_click=take_other, args=(run,))
        st.button("Go on with mine", key=f"keep_own_{run.id}", on_click=keep_own, args=(run,))


def _sent(view: RunView) -> None:
    """Draw what went out, the last reply at the end, and one's own text where somebody else was first."""
    run = view.run
    run_id, sentence = st.session_state.pop(_REFUSED, (None, ""))
    if run_id == run.id:
        show_refusal(sentence)
    replies = [message for message in view.messages if message.author == "team" and message.run_id == run.id]
    for earlier in replies[:-1]:
        with st.chat_message("assistant", avatar=":material/support_agent:"):
            st.text(earlier.text)
            st.caption(f"Sent {ago(earlier.created_at)}", help=exact(earlier.created_at))
    with st.chat_message("assistant", avatar=":material/support_agent:"):
        st.text(run.reply or "")
        st.caption(
            f":green[:material/mark_email_read:] Sent by {plain(run.reply_sent_by)} {ago(run.reply_sent_at)}",
            help=exact(run.reply_sent_at),
        )
    if own := unsent_text(run):
        st.caption("What you had written was not sent:")
        st.code(own, language=None, wrap_lines=True)


def _another(run: Run) -> None:
    """Take another reply: the escalation came after the one that was sent."""
    # Once it is sent the field is another one.
    key = f"{run.id}_{run.reply_sent_at}"
    text = st.text_area(
        "Another reply",
        key=f"another_{key}",
        height="content",
        placeholder="Escalated after the reply was sent. Write to the customer once more.",
    )
    if not st.button("Mark as sent", type="primary", icon=":material/mark_email_read:", key=f"another_sent_{key}"):
        return
    try:
        services().runs.mark_sent(run.id, text=text or "", actor=actor(), seen=run.reply or "")
    except TriageError as error:
        show_refusal(error)
        return
    st.toast("Marked as sent.", icon=":material/check:")
    st.rerun()


def _title(view: RunView) -> str:
    if view.run.reply_edited_by:
        return "Reply"
    return "Reply draft" if view.reply else "Reply"
