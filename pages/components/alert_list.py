"""The rules with their states: what is at alert first seen, and one of them open."""

from __future__ import annotations

import streamlit as st

from pages.components import address
from pages.components.alert_words import badge, limits, narrowed, rule_label, standing_since, value_line
from pages.components.context import seen
from pages.components.panel import card_head
from pages.components.refusal import show_refusal
from pages.components.text import bold, plain
from pages.components.words import exact
from triage.domain import RuleStanding
from triage.errors import TriageError

REFRESH_S = 10
CHOSEN = "alert"
NEW = "new"


@st.fragment(run_every=REFRESH_S)
def rule_list(*, opened: str | None) -> None:
    """Draw the list; it keeps itself true while nobody touches it."""
    try:
        standings = seen().alerts.standings()
    except TriageError as error:
        show_refusal(error)
        return
    with st.container(border=True, gap="small"):
        card_head("Rules", "Judged once a minute; a value that stays close to a limit changes the state once.")
        for standing in standings:
            _row(standing, is_open=standing.rule.id == opened)


def _row(standing: RuleStanding, *, is_open: bool) -> None:
    rule, state = standing.rule, standing.state
    only = f" · only {plain(narrowed(rule))}" if narrowed(rule) else ""
    since = f" · {standing_since(state.since)}" if state and rule.is_on else ""
    seen = f"Last looked at {exact(state.looked_at)}; in this state since {exact(state.since)}" if state else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.markdown(
            f"{badge(rule_label(standing))} {bold(rule.name)}  \n"
            f":small[{plain(value_line(standing))}{since}]  \n:gray[:small[{plain(limits(rule))}{only}]]",
            width="stretch", help=seen,
        )  # fmt: skip
        if st.button(
            "Open", icon=":material/chevron_right:", icon_position="right", key=f"open_{rule.id}", disabled=is_open,
            help=f"Change “{plain(rule.name)}”, or try it on the past",
        ):  # fmt: skip
            address.choose(CHOSEN, rule.id)
            st.rerun()
