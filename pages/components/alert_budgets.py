"""The budgets: what is spent of each, and for managers what may be."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from pages.components.alert_words import PERIODS, badge, spent_line, state_label
from pages.components.context import actor, seen, services
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.words import ago, exact
from triage.access.actions import Action, may
from triage.alerts.budgets import usd
from triage.domain import BudgetStanding
from triage.errors import TriageError

_SAVED = "budget_saved"


def budget_cards() -> None:
    """Draw a card for each period."""
    st.caption(
        "Days, weeks (from Monday) and months are UTC. A spent budget refuses new runs, with a sentence that says why; "
        "what has begun goes on, also after an approval."
    )
    try:
        standings = seen().alerts.budgets()
    except TriageError as error:
        show_refusal(error)
        return
    for column, standing in zip(st.columns(len(standings)), standings, strict=True):
        with column, st.container(border=True, gap="small"):
            _card(standing)


def _card(standing: BudgetStanding) -> None:
    budget, allowed = standing.budget, may(actor(), Action.BUDGETS_CHANGE)
    label = state_label(standing.state, is_on=budget.is_on)
    end = standing.end
    st.markdown(
        f"**{PERIODS[budget.period].capitalize()}** {badge(label)}  \n"
        f":gray[:small[{plain(spent_line(standing))}, until {end.day} {end:%b %H:%M} UTC]]"
    )
    if budget.is_on and budget.limit_usd:
        share = min(1.0, float(standing.spent.cost_usd / budget.limit_usd))
        st.progress(share, text=f"{share:.0%} of {plain(usd(budget.limit_usd))}")
    key = f"{budget.period.value}_{budget.version}"
    with st.form(f"budget_form_{key}", border=False):
        limit = st.number_input(
            "Limit in US dollars", value=None if budget.limit_usd is None else float(budget.limit_usd),
            key=f"budget_limit_{key}", format="%.2f", step=1.0, placeholder="None", disabled=not allowed,
        )  # fmt: skip
        warn = st.number_input(
            "Warn from (% of it)", value=round(budget.warn_share * 100, 2), key=f"budget_warn_{key}", format="%g",
            step=5.0, disabled=not allowed,
        )  # fmt: skip
        is_on = st.toggle("On", budget.is_on, key=f"budget_on_{key}", disabled=not allowed)
        saved = st.form_submit_button(
            "Save", icon=":material/save:", disabled=not allowed, key=f"budget_save_{key}",
            help=None if allowed else "Managers and administrators change budgets.",
        )  # fmt: skip
    if saved:
        written = budget.model_copy(
            update={
                "limit_usd": None if limit is None else Decimal(str(limit)), "warn_share": warn / 100, "is_on": is_on,
            }
        )  # fmt: skip
        try:
            services().alerts.set_budget(written, actor=actor())
        except TriageError as error:
            show_refusal(error)
        else:
            st.rerun()
    if budget.changed_at is not None:
        st.caption(f"Set by {plain(budget.changed_by)} {ago(budget.changed_at)}", help=exact(budget.changed_at))
