"""The calm strip that says which figures have left their limits; nothing where none has."""

from __future__ import annotations

import streamlit as st

from pages.components.alert_words import budget_alert, rule_alert
from pages.components.context import seen
from triage.domain import AlertState
from triage.errors import TriageError

_MOST = 4


def alert_strip() -> None:
    """Draw the strip: alerts first, then warnings, with a link to the page that has the rest."""
    try:
        alerts = seen().alerts
        standings = [*alerts.standings(), *alerts.budgets()]
    except TriageError:
        # The page itself says that the records cannot be read.
        return
    left = [
        standing
        for wanted in (AlertState.ALERT, AlertState.WARNING)
        for standing in standings
        if standing.state is not None and standing.state.state is wanted
    ]
    if not left:
        return
    lines = [rule_alert(one) if hasattr(one, "rule") else budget_alert(one) for one in left[:_MOST]]
    if len(left) > _MOST:
        lines.append(f"and {len(left) - _MOST} more")
    is_alert = left[0].state is not None and left[0].state.state is AlertState.ALERT
    with st.container(horizontal=True, vertical_alignment="center", border=True, gap="small"):
        icon = ":red[:material/error:]" if is_alert else ":orange[:material/warning:]"
        st.markdown(f"{icon} " + "  \n".join(lines), width="stretch")
        st.page_link("alerts.py", label="Open the alerts", icon=":material/notifications:")
