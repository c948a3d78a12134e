"""The webhooks for the policies page: who is told outside of the console, and what did not arrive."""

from __future__ import annotations

import streamlit as st

from pages.components.context import actor, services
from pages.components.dialogs import open_dialog, open_name
from pages.components.panel import action_head
from pages.components.refusal import show_refusal
from pages.components.webhook_row import FORMATS, TOPICS, webhook_row
from pages.components.webhook_secret import DIALOG, close, keep_to_show, secret_dialog, secret_to_show, show_secret
from triage.access.actions import Action, may
from triage.domain import REPLY_TOPICS, SUBSCRIBABLE_TOPICS, USUAL_TOPICS, WebhookFormat
from triage.errors import TriageError

REFRESH_S = 3
_ADMINS_ONLY = "Only an administrator sees and changes webhooks."
_ADD = "webhook"


def webhook_panel() -> None:
    """Draw the card."""
    allowed = may(actor(), Action.WEBHOOKS_CHANGE)
    with st.container(border=True):
        if action_head(
            "Notices",
            "Webhooks tell other programs what waits for a person, is late or was decided, of alerts and of messages.",
            button="Add a webhook…", icon="add_link", key="webhook_add", why_not=None if allowed else _ADMINS_ONLY,
        ):  # fmt: skip
            open_dialog(_ADD)
        if allowed:
            _webhooks()
        else:
            st.caption(_ADMINS_ONLY)
    if allowed and open_name() == _ADD:
        _add_dialog()
    elif allowed and open_name() == DIALOG:
        secret_dialog()


@st.fragment(run_every=REFRESH_S)
def _webhooks() -> None:
    """Draw the webhooks, and every few seconds what became of their notices."""
    try:
        states = services().webhooks.list(actor=actor())
    except TriageError as error:
        show_refusal(error)
        return
    if not states:
        st.caption("Nobody is told yet. Add the address of your chat, or of a program of yours.")
    for state in states:
        webhook_row(state)


@st.dialog("Add a webhook", width="medium", on_dismiss=close)
def _add_dialog() -> None:
    if (made := secret_to_show()) is not None:
        show_secret(made)
        return
    url = st.text_input("Address", placeholder="https://example.com/hooks/triage", key="webhook_url")
    form = st.segmented_control(
        "Format", list(WebhookFormat), default=WebhookFormat.JSON, required=True, format_func=FORMATS.__getitem__,
        key="webhook_form",
    )  # fmt: skip
    topics = st.pills(
        "Tell it when", SUBSCRIBABLE_TOPICS, default=USUAL_TOPICS, selection_mode="multi",
        format_func=TOPICS.__getitem__, key="webhook_topics",
    )  # fmt: skip
    carries_text = form == WebhookFormat.JSON and set(topics or ()) & set(REPLY_TOPICS) and st.checkbox(
        "With the words of the reply", key="webhook_text",
        help="For a program that brings replies to customers. Without it a notice has ids, status and labels only.",
    )  # fmt: skip
    st.caption(
        "A notice names tool, action, amount, times and who decided, ids, status and labels, or a figure with its "
        "limits; never the customer's message. "
        "It is signed, so that the receiver can tell it from a forged one."
    )
    if not st.button("Add it", type="primary", key="webhook_add_now"):
        return
    try:
        new = services().webhooks.add(url, form=form, topics=topics, carries_text=bool(carries_text), actor=actor())
    except TriageError as error:
        show_refusal(error)
        return
    keep_to_show(new)
    st.rerun()
