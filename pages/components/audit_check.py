"""The state of the audit log's chain, checked when somebody asks."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from pages.components import words
from pages.components.context import actor, services
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.domain import AuditCheck, utc_now
from triage.errors import TriageError

_FOUND = "audit_check"


def check_button() -> None:
    """Draw the button that checks every line."""
    st.button(
        "Check the log",
        icon=":material/verified:",
        on_click=_check,
        key="audit_check_now",
        help="Reads every line and finds any altered one.",
    )


def check_result() -> None:
    """Say what the last check of this person found, until the page is left."""
    found = st.session_state.get(_FOUND)
    if isinstance(found, TriageError):
        show_refusal(found)
    elif found is not None:
        _say(*found)


def sentence(check: AuditCheck, *, at: datetime, now: datetime) -> str:
    """Return what a check found in one sentence or two."""
    lines = words.count(check.checked, "line")
    if check.is_unbroken:
        return f"Checked {lines} {words.ago(at, now=now)}: unbroken."
    return f"{check.problem} {_before(check)}"


def _before(check: AuditCheck) -> str:
    if check.checked == 0:
        return "No line before is good."
    return f"The {check.checked:,} lines before are good." if check.checked > 1 else "The line before is good."


def _check() -> None:
    try:
        with st.spinner("Reading every line"):
            st.session_state[_FOUND] = (services().audit.verify(actor=actor()), utc_now())
    except TriageError as error:
        st.session_state[_FOUND] = error


def _say(check: AuditCheck, at: datetime) -> None:
    text = plain(sentence(check, at=at, now=utc_now()))
    if check.is_unbroken:
        st.success(text, icon=":material/verified:")
        return
    st.error(
        f"{text} Keep a copy of the database, compare it with a backup or an export, and see docs/audit.md.",
        title="The audit log was changed",
        icon=":material/gpp_bad:",
    )
