"""The secret of a webhook: shown once, when the webhook is added and when its secret is renewed."""

from __future__ import annotations

import streamlit as st

from pages.components.context import actor, services
from pages.components.dialogs import close_dialog, open_dialog
from pages.components.refusal import show_refusal
from pages.components.text import bold, plain
from pages.components.words import exact
from triage.domain import Webhook
from triage.errors import TriageError
from triage.notices.webhooks import NewWebhook, host_of

DIALOG = "webhook_secret"
_SHOWN = "webhook_secret_to_copy"


def keep_to_show(new: NewWebhook) -> None:
    """Keep a new secret until its dialog is closed."""
    st.session_state[_SHOWN] = new


def secret_to_show() -> NewWebhook | None:
    """Return what was just made and not yet copied."""
    shown: NewWebhook | None = st.session_state.get(_SHOWN)
    return shown


def close() -> None:
    """Close the dialog and forget the secret."""
    st.session_state.pop(_SHOWN, None)
    close_dialog()


def renew_button(webhook: Webhook) -> None:
    """Draw the button that makes a new secret after saying what that means."""
    # Another popover after each renewal: the one that was open would lie over the dialog with the secret.
    key = f"renew_{webhook.id}_{webhook.old_secret_until}"
    with st.popover("New secret…", icon=":material/key:", key=key):
        st.markdown(
            f"{bold(host_of(webhook))} gets another secret, which you see once. For 24 hours notices are signed with "
            "both; then with the new one only."
        )
        if webhook.old_secret_until is not None:
            st.caption(f"The one before still signs until {exact(webhook.old_secret_until)}; that ends at once.")
        if st.button("Make a new secret", type="primary", key=f"renew_now_{webhook.id}"):
            _renew(webhook)


def _renew(webhook: Webhook) -> None:
    try:
        keep_to_show(services().webhooks.renew_secret(webhook.id, actor=actor()))
    except TriageError as error:
        show_refusal(error)
    else:
        open_dialog(DIALOG)


@st.dialog("The new secret", width="medium", on_dismiss=close)
def secret_dialog() -> None:
    """Show a renewed secret."""
    if (new := secret_to_show()) is not None:
        show_secret(new)


def show_secret(new: NewWebhook) -> None:
    """Draw the secret to copy, and until when the one before it signs too."""
    st.success("Copy the secret now, it is not shown again.", title=plain(host_of(new.webhook)), icon=":material/key:")
    st.code(new.secret, language=None, wrap_lines=True)
    st.caption("With it the receiver makes sure that a notice is from here; docs/webhooks.md has the lines for it.")
    if until := new.webhook.old_secret_until:
        st.caption(f"Give it to the receiver before {exact(until)}; until then notices carry both signatures.")
    if st.button("I have copied it", type="primary", key="webhook_done"):
        close()
        st.rerun()
