"""The reply after the run has ended: edited, kept, copied and marked as sent."""

from __future__ import annotations

import streamlit as st

from pages.components.context import actor, services
from pages.components.refusal import show_refusal
from pages.components.run_view import RunView
from pages.components.text import plain
from pages.components.words import ago, exact
from triage.errors import TriageError


def reply(view: RunView) -> None:
    """Draw the reply; once sent it cannot be changed."""
    run = view.run
    if not run.status.is_final:
        return
    if run.reply_sent_at is not None:
        with st.chat_message("assistant", avatar=":material/support_agent:"):
            st.text(run.reply or "")
            st.caption(
                f":green[:material/mark_email_read:] Sent by {plain(run.reply_sent_by)} {ago(run.reply_sent_at)}",
                help=exact(run.reply_sent_at),
            )
        return
    text = st.text_area(
        _title(view),
        value=view.reply,
        key=f"reply_{run.id}",
        height="content",
        placeholder="Write the reply to the customer.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        sent = st.button(
            "Mark as sent",
            type="primary",
            icon=":material/mark_email_read:",
            key=f"sent_{run.id}",
            help="Send it with your mail program; this keeps that, when and by whom.",
        )
        saved = st.button("Save", icon=":material/save:", key=f"save_{run.id}")
        with st.popover("Copy", icon=":material/content_copy:"):
            st.code(text or "", language=None, wrap_lines=True)
        if run.reply_edited_by:
            st.caption(f"Edited by {plain(run.reply_edited_by)}")
    try:
        if sent:
            services().runs.mark_sent(run.id, text=text or "", actor=actor())
        elif saved:
            services().runs.edit_reply(run.id, text=text or "", actor=actor())
            st.toast("The reply is kept.", icon=":material/check:")
    except TriageError as error:
        show_refusal(error)
        return
    if sent or saved:
        st.rerun()


def _title(view: RunView) -> str:
    if view.run.reply_edited_by:
        return "Reply"
    return "Reply draft" if view.reply else "Reply"
