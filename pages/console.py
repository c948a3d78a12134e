"""The frame around every page: sign-in, navigation, the engine's badge and who is acting."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.components import address
from pages.components.arrival import arrive
from pages.components.badge import Counts, browser_title, keep_frame, read_counts, titled
from pages.components.context import person
from pages.components.engine import engine_badge
from pages.components.gate import closed, is_listed
from pages.components.refusal import show_refusal
from pages.components.sign_in import ICON, PRODUCT, sign_in_screen, who_is_acting
from triage.errors import TriageError

# Wide enough for its longest label; the pages need the room in a window of 1280.
SIDEBAR_PX = 210

try:
    found = person()
except TriageError as error:
    st.set_page_config(page_title=PRODUCT, page_icon=str(ICON), layout="centered", initial_sidebar_state="collapsed")
    sign_in_screen(error)
    st.stop()
try:
    counts = read_counts()
except TriageError as error:
    st.set_page_config(page_title=PRODUCT, page_icon=str(ICON), layout="wide")
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
    who_is_acting(found)
keep_frame(navigation, shown=counts)
if not closed(page):
    page.run()
