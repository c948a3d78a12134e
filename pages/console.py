"""The frame around every page: navigation, the engine's badge and, in local mode, who is acting."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.components import address
from pages.components.arrival import arrive
from pages.components.badge import Counts, browser_title, keep_frame, read_counts, titled
from pages.components.context import DEFAULT_NAME, DEFAULT_ROLE, NAME_KEY, ROLE_KEY
from pages.components.engine import engine_badge
from pages.components.refusal import show_refusal
from triage.domain import Role
from triage.errors import TriageError

# A file of ours: the browser would fetch the picture of a Material symbol from a font server.
ICON = Path(__file__).parent / "assets" / "icon.png"
# Wide enough for its longest label; the pages need the room in a window of 1280.
SIDEBAR_PX = 210

try:
    counts = read_counts()
except TriageError as error:
    st.set_page_config(page_title="Triage console", page_icon=str(ICON), layout="wide")
    show_refusal(error)
    st.stop()


def navigation(counts: Counts) -> StreamlitPage:
    """Draw the navigation with its numbers, and return the page that is asked for."""
    approvals = st.Page(
        "approvals.py", title=titled("Approvals", counts.waiting), icon=":material/approval:", url_path="approvals"
    )
    return st.navigation(
        {
            "Work": [st.Page("desk.py", title="Desk", icon=":material/inbox:", default=True), approvals],
            "Observe": [
                st.Page("overview.py", title="Overview", icon=":material/monitoring:"),
                st.Page("traces.py", title="Traces", icon=":material/account_tree:"),
                st.Page("guardrails.py", title="Guardrails", icon=":material/shield:"),
                st.Page(
                    "alerts.py",
                    title=titled("Alerts", counts.alerts),
                    icon=":material/notifications:",
                    url_path="alerts",
                ),
            ],
            "Improve": [st.Page("team.py", title="Team", icon=":material/groups:")],
            "Control": [
                st.Page("policies.py", title="Policies", icon=":material/gavel:"),
                st.Page("audit.py", title="Audit log", icon=":material/history:"),
                st.Page("data.py", title="Data", icon=":material/database:"),
            ],
        }
    )


st.set_page_config(
    page_title=browser_title(counts.waiting), page_icon=str(ICON), layout="wide", initial_sidebar_state=SIDEBAR_PX
)
page = navigation(counts)
address.enter(page.url_path)
arrive(page)
with st.sidebar:
    engine_badge()
    with st.popover("Local mode", icon=":material/badge:", type="tertiary"):
        st.caption("Nobody signs in here: the console listens on this machine only. Choose who you are acting as.")
        st.text_input("Your name", value=DEFAULT_NAME, key=NAME_KEY, persist_state="session", max_chars=80)
        st.selectbox(
            "Role",
            list(Role),
            index=list(Role).index(DEFAULT_ROLE),
            format_func=lambda role: role.value,
            key=ROLE_KEY,
            persist_state="session",
        )
    st.caption(f"Acting as **{st.session_state[ROLE_KEY].value}**")
keep_frame(navigation, shown=counts)
page.run()
