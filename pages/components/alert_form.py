"""One rule as a form: read by everybody, tried by everybody, changed by managers."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.components import address
from pages.components.alert_list import CHOSEN, NEW
from pages.components.alert_trial import DAYS, keep_trial, show_trial
from pages.components.alert_words import window
from pages.components.context import actor, seen, services
from pages.components.measure_filters import CATEGORIES
from pages.components.panel import card_head
from pages.components.refusal import show_refusal
from pages.components.text import plain
from pages.components.words import ago, exact
from triage.access.actions import Action, may
from triage.alerts.measures import MEASURES
from triage.alerts.rules import MAX_NAME_CHARS, default_rule
from triage.domain import AlertMeasure, AlertRule
from triage.errors import TriageError

_WINDOWS = (1, 6, 24, 3 * 24, 7 * 24, 14 * 24, 28 * 24)
_SAVED = "alert_saved"
_PERCENT = ("share", "growth")
_UNITS = {"share": "%", "growth": "% growth", "seconds": "seconds", "turns": "turns"}


def rule_panel(opened: str, choices: Any) -> None:
    """Draw the form of a rule, or of a new one, and what a trial of it has found."""
    try:
        rule = _new_rule() if opened == NEW else seen().alerts.get(opened)
    except TriageError as error:
        show_refusal(error)
        return
    allowed = may(actor(), Action.ALERTS_CHANGE)
    with st.container(border=True, gap="small"):
        spec = MEASURES[rule.measure]
        card_head(plain(rule.name) or "New rule", spec.meaning)
        if message := st.session_state.pop(_SAVED, None):
            st.success(message, icon=":material/check_circle:")
        key = f"{opened}_{rule.measure.value}_{rule.version}"
        with st.form(f"alert_form_{key}", border=False):
            written = _fields(rule, key=key, choices=choices, allowed=allowed)
            with st.container(horizontal=True, vertical_alignment="bottom"):
                save = st.form_submit_button(
                    "Save", type="primary", icon=":material/save:", disabled=not allowed,
                    help=None if allowed else "Managers and administrators change rules.",
                )  # fmt: skip
                days = st.selectbox("Past", DAYS, index=1, format_func=lambda days: f"last {days} days", width=150)
                tried = st.form_submit_button("Try it", icon=":material/history:")
        if save:
            _save(written)
        elif tried:
            keep_trial(written, days=days)
        _below(rule, allowed=allowed)
    show_trial(rule)


def _new_rule() -> AlertRule:
    """Ask what a new rule looks at, and return it with limits to begin with."""
    measure = st.selectbox(
        "What the new rule looks at", list(AlertMeasure), format_func=lambda one: MEASURES[one].title,
        key="alert_measure",
    )  # fmt: skip
    like = next(one.rule for one in seen().alerts.standings() if one.rule.measure is measure)
    return like.model_copy(update={"id": "", "name": "", "version": 0, "changed_at": None, "is_on": True})


def _fields(rule: AlertRule, *, key: str, choices: Any, allowed: bool) -> AlertRule:
    """Draw the fields and return the rule as they stand."""
    spec = MEASURES[rule.measure]
    name_column, switch_column = st.columns([4, 1], vertical_alignment="bottom")
    name = name_column.text_input("Name", rule.name, max_chars=MAX_NAME_CHARS, key=f"alert_name_{key}")
    is_on = switch_column.toggle("On", rule.is_on, key=f"alert_on_{key}")
    factor, way = (100.0 if spec.unit in _PERCENT else 1.0), ("under" if spec.lower_is_worse else "over")
    warn, alert, hours, least = st.columns(4)
    warn_at = warn.number_input(
        f"Warning {way} ({_UNITS[spec.unit]})", value=round(rule.warn_at * factor, 6), key=f"alert_warn_{key}",
        format="%g", step=1.0,
    )  # fmt: skip
    alert_at = alert.number_input(
        f"Alert {way} ({_UNITS[spec.unit]})", value=round(rule.alert_at * factor, 6), key=f"alert_alert_{key}",
        format="%g", step=1.0,
    )  # fmt: skip
    windows = sorted({*_WINDOWS, rule.window_hours})
    window_hours = hours.selectbox(
        "Window", windows, index=windows.index(rule.window_hours), format_func=window, key=f"alert_window_{key}",
        help="How much time up to now is looked at" + (
            f", and as much {spec.periods_before} times before to compare with." if spec.periods_before else "."
        ),
    )  # fmt: skip
    fewest = least.number_input(
        f"At least ({spec.counted})", value=rule.least, step=10, key=f"alert_least_{key}",
        help="With fewer there is no data, and nobody is told anything.",
    )  # fmt: skip
    names = {value: name for name, value in CATEGORIES.items()}
    first, second, third = st.columns(3)
    models = first.multiselect(
        "Only models",
        sorted({*choices.models, *rule.models}),
        rule.models,
        key=f"alert_models_{key}",
        placeholder="All",
    )
    agents = second.multiselect(
        "Only agents",
        sorted({*choices.agents, *rule.agents}),
        rule.agents,
        key=f"alert_agents_{key}",
        placeholder="All",
    )
    categories = third.multiselect(
        "Only categories", list(names), rule.categories, format_func=names.__getitem__, key=f"alert_categories_{key}",
        placeholder="All",
    )  # fmt: skip
    if not allowed:
        st.caption("You can look and try; managers and administrators save.")
    return rule.model_copy(
        update={
            "name": name, "is_on": is_on, "warn_at": warn_at / factor, "alert_at": alert_at / factor,
            "window_hours": window_hours, "least": int(fewest), "models": tuple(models), "agents": tuple(agents),
            "categories": tuple(categories),
        }
    )  # fmt: skip


def _save(written: AlertRule) -> None:
    try:
        kept = services().alerts.save(written, actor=actor())
    except TriageError as error:
        show_refusal(error)
        return
    st.session_state[_SAVED] = "Saved; it is judged at once."
    address.choose(CHOSEN, kept.id)
    st.rerun()


def _below(rule: AlertRule, *, allowed: bool) -> None:
    """Say who changed the rule, and offer to remove one that was added here."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if rule.changed_at is not None:
            at = rule.changed_at
            st.caption(f"Changed by {plain(rule.changed_by)} {ago(at)}", help=exact(at), width="stretch")
        elif rule.id:
            st.caption("As it comes with the console.", width="stretch")
        if rule.id and default_rule(rule.id) is None:
            with st.popover("Remove…", icon=":material/delete:", disabled=not allowed):
                st.markdown("It is judged no more. Its history stays.")
                if st.button("Remove it", type="primary", key=f"alert_remove_{rule.id}"):
                    _remove(rule)


def _remove(rule: AlertRule) -> None:
    try:
        services().alerts.remove(rule.id, actor=actor())
    except TriageError as error:
        show_refusal(error)
        return
    address.choose(CHOSEN, None)
    st.rerun()
