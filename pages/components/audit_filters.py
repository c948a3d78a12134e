"""What the audit page shows: time range, who, what and on which id; all of it lives in the URL."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import streamlit as st

from pages.components.audit_words import action_words
from pages.components.text import heard
from triage.audit.service import AuditChoices
from triage.domain import AuditFilter, utc_now

PERIODS: dict[str, timedelta | None] = {
    "1 h": timedelta(hours=1),
    "24 h": timedelta(hours=24),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
    "90 d": timedelta(days=90),
    "All": None,
}
_KEYS = ("audit_who", "audit_what", "audit_on")


class WantedEntries(NamedTuple):
    """The filter, and whether anything besides the time narrows it."""

    query: AuditFilter
    is_narrowed: bool


def audit_filters(choices: AuditChoices) -> WantedEntries:
    """Draw the filters and return what they ask for."""
    actions = {action_words(action).text: action for action in choices.actions}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        period = st.segmented_control(
            "Time range", list(PERIODS), default="7 d", required=True, key="period", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        who = st.selectbox(
            "Who", choices.actors, index=None, key="audit_who", bind="query-params", placeholder="By anybody",
            label_visibility="collapsed", width=150,
        )  # fmt: skip
        what = st.multiselect(
            "What", sorted(actions), key="audit_what", bind="query-params", placeholder="Any action",
            label_visibility="collapsed", width=240,
        )  # fmt: skip
        subject = st.text_input(
            "On which id", key="audit_on", bind="query-params", placeholder="On any id",
            label_visibility="collapsed", width=130,
        )  # fmt: skip
        st.button(
            heard("Clear the filters"), icon=":material/filter_alt_off:", type="tertiary", on_click=_clear,
            key="audit_clear", help="Clear the filters",
        )  # fmt: skip
    length = PERIODS[period]
    return WantedEntries(
        AuditFilter(
            since=None if length is None else utc_now() - length,
            actor=who,
            actions=tuple(actions[name] for name in what if name in actions),
            subject=subject or "",
        ),
        is_narrowed=bool(who or what or subject),
    )


def _clear() -> None:
    for key in _KEYS:
        st.session_state[key] = [] if key == "audit_what" else "" if key == "audit_on" else None
