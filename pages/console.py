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
from pages.components.gate import closed, is_listed
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


def one_page(name: str, title: str, icon: str, *, default: bool = False) -> StreamlitPage:
    """Return a page; one that this person may not see is there for its links, but not in the navigation."""
    return st.Page(
        f"{name}.py", title=title, icon=f":material/{icon}:", default=default, url_path=None if default else name,
        visibility="visible" if is_listed(name) else "hidden",
    )  # fmt: skip


def navigation(counts: Counts) -> StreamlitPage:
    """Draw the navigation with its numbers, and return the page that is asked for."""
    return st.navigation(
        {
            "Work": [
                one_page("desk", "Desk", "inbox", default=True),
                one_page("approvals", titled("Approvals", counts.waiting), "approval"),
            ],
            "Observe": [
                one_page("overview", "Overview", "monitoring"),
                one_page("traces", "Traces", "account_tree"),
                one_page("guardrails", "Guardrails", "shield"),
                one_page("alerts", titled("Alerts", counts.alerts), "notifications"),
            ],
            "Improve": [one_page("team", "Team", "groups")],
            "Control": [
                one_page("policies", "Policies", "gavel"),
                one_page("audit", "Audit log", "history"),
                one_page("data", "Data", "database"),
                one_page("access", "Access", "key"),
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
if not closed(page.url_path or "desk"):
    page.run()
