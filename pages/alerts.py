"""Which figures have left their limits, what is spent of the budgets, and the rules behind both."""

from __future__ import annotations

import streamlit as st

from pages.components import address
from pages.components.alert_budgets import budget_cards
from pages.components.alert_form import rule_panel
from pages.components.alert_history import change_table
from pages.components.alert_list import CHOSEN, NEW, rule_list
from pages.components.context import actor, seen
from pages.components.refusal import show_refusal
from triage.access.actions import Action, may
from triage.domain.traces import TraceChoices
from triage.errors import TriageError

RULES, BUDGETS, HISTORY = "Rules", "Budgets", "History"


@st.cache_data(ttl=60, max_entries=1, show_spinner=False)
def read_choices() -> TraceChoices:
    """Return what rules can be limited to."""
    return seen().measures.choices()


st.title("Alerts")
with st.container(horizontal=True, vertical_alignment="center"):
    view = st.segmented_control(
        "View", [RULES, BUDGETS, HISTORY], default=RULES, required=True, key="alert_view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    if view == RULES:
        allowed = may(actor(), Action.ALERTS_CHANGE)
        if st.button(
            "New rule", icon=":material/add:", disabled=not allowed,
            help=None if allowed else "Managers and administrators add rules.",
        ):  # fmt: skip
            address.choose(CHOSEN, NEW)

if view == BUDGETS:
    budget_cards()
elif view == HISTORY:
    change_table()
else:
    try:
        first = seen().alerts.standings()[0].rule.id
        choices = read_choices()
    except TriageError as error:
        show_refusal(error)
        st.stop()
    opened = address.chosen(CHOSEN) or first
    left, right = st.columns([5, 7], gap="medium")
    with left:
        rule_list(opened=opened)
    with right:
        rule_panel(opened, choices)
