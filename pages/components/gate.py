"""Which page takes which action: what somebody may not see is not in their navigation, and says so when opened."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.components.context import actor, entrance
from pages.components.text import plain
from triage.access.actions import Action, may, refusal
from triage.access.entrance import Mode

FIRST = "desk"
# By the name of a page's file; what shows it in the navigation, and what it takes to open it where that is less.
LISTED = {
    "desk": Action.RUNS_READ,
    "approvals": Action.APPROVALS_READ,
    "overview": Action.MEASURES_READ,
    "traces": Action.TRACES_SEARCH,
    "guardrails": Action.GUARDRAILS_READ,
    "alerts": Action.ALERTS_READ,
    "team": Action.TEAM_READ,
    "policies": Action.POLICIES_READ,
    "audit": Action.AUDIT_READ,
    "data": Action.JOBS_READ,
    "access": Action.TOKENS_CHANGE,
}
# The desk and the approvals lead to the trace of a run, which takes less than searching all traces.
OPENED = {**LISTED, "traces": Action.TRACES_READ}


def is_listed(name: str) -> bool:
    """Whether the page stands in the navigation of whoever is acting."""
    return may(actor(), LISTED[name])


def way_to_a_role() -> str:
    """Return how somebody comes to a role that may do more."""
    if entrance().mode is Mode.LOCAL:
        return "The role is chosen at the bottom of the sidebar."
    return "Ask an administrator if you need it."


def closed(page: StreamlitPage) -> bool:
    """Whether whoever is acting may not open the page; says so with a way out."""
    sentence = refusal(actor(), OPENED[page.url_path or "desk"])
    if sentence is None:
        return False
    st.title(plain(page.title))
    said = f"{sentence} {way_to_a_role()}"
    st.info(plain(said), icon=":material/lock:")
    st.page_link("desk.py", label="Go to the desk", icon=":material/inbox:")
    return True
