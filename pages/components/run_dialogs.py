"""The dialogs about the open run: what hurts asks first."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from pages.components.context import actor, services
from pages.components.dialogs import close_dialog, form_id
from pages.components.refusal import show_refusal
from pages.components.selection import selected_run
from pages.components.words import urgency
from triage.domain import Urgency
from triage.errors import TriageError


@st.dialog("Cancel this run?", icon=":material/cancel:", on_dismiss=close_dialog)
def confirm_cancel() -> None:
    """Ask before the agents are stopped for good."""
    st.markdown("The agents stop at once and open decisions are withdrawn. What they found stays here.")
    _buttons("Cancel the run", lambda run_id: services().runs.cancel(run_id, actor=actor()))


@st.dialog("Take over?", icon=":material/back_hand:", on_dismiss=close_dialog)
def confirm_take_over() -> None:
    """Ask before the agents are stopped and the person goes on."""
    st.markdown(
        "The agents stop at once and open decisions are withdrawn. The conversation is yours; everything that was "
        "found and drafted so far stays here."
    )
    _buttons("Take over", lambda run_id: services().runs.take_over(run_id, actor=actor()))


@st.dialog("Escalate to a person", icon=":material/priority_high:", on_dismiss=close_dialog)
def escalate() -> None:
    """Take the reason for an escalation."""
    opened = form_id()
    reason = st.text_area("Reason", key=f"escalate_{opened}", placeholder="What does the next person have to know?")
    level = st.segmented_control(
        "Urgency",
        list(Urgency),
        default=Urgency.HIGH,
        required=True,
        key=f"escalate_urgency_{opened}",
        format_func=lambda value: urgency(value).text,
    )
    _buttons(
        "Escalate",
        lambda run_id: services().runs.escalate(
            run_id, actor=actor(), reason=reason or "", urgency=level or Urgency.HIGH, key=opened
        ),
    )


@st.dialog("Link to this message", icon=":material/link:", on_dismiss=close_dialog)
def copy_link() -> None:
    """Show the address that opens this run."""
    parts = urlsplit(st.context.url or "")
    st.code(
        urlunsplit((parts.scheme, parts.netloc, parts.path or "/", urlencode({"run": selected_run() or ""}), "")),
        language=None,
        wrap_lines=True,
    )
    st.caption("Copy it with the button on its right. It opens for everybody who may use this console.")


def _buttons(label: str, act: Callable[[str], object]) -> None:
    opened = form_id()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key=f"back_{opened}"):
            close_dialog()
            st.rerun()
        pressed = st.button(label, type="primary", key=f"go_{opened}")
    if pressed:
        try:
            act(selected_run() or "")
        except TriageError as error:
            show_refusal(error)
            return
        close_dialog()
        st.rerun()
