"""How the states of rules and budgets have changed, the newest first."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.components.alert_words import STATES, change_value
from pages.components.context import seen
from pages.components.panel import card_head
from pages.components.refusal import show_refusal
from pages.components.words import exact
from triage.errors import TriageError

_MOST = 500
_FEW = 10


def change_table() -> None:
    """Draw the table."""
    try:
        alerts = seen().alerts
        changes = alerts.changes(limit=_MOST)
        rules = {standing.rule.id: standing.rule for standing in alerts.standings()}
    except TriageError as error:
        show_refusal(error)
        return
    with st.container(border=True, gap="small"):
        card_head("History", f"The last {_MOST} changes and their values. No data is not told to webhooks.")
        if not changes:
            st.caption(
                "Nothing has changed yet. The rules are judged once a minute, and each change of a state comes here."
            )
            return
        rows = [
            {
                "When": exact(change.at),
                "Rule": change.name,
                "From": STATES[change.before].text,
                "To": STATES[change.after].text,
                "Value": change_value(change, rules),
                "Counted": f"{change.count:,}" if change.count else "",
                "Note": change.note,
            }
            for change in changes
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=620 if len(rows) > _FEW else "auto", alt="The changes")
