"""How the console says what alerts hold: states, values with their limits, and what a rule is limited to."""

from __future__ import annotations

from datetime import datetime

from pages.components.text import bold, plain
from pages.components.words import Label, ago, count
from triage.alerts.budgets import usd
from triage.alerts.measures import MEASURES, said
from triage.domain import (
    AlertMeasure,
    AlertRule,
    AlertState,
    BudgetPeriod,
    BudgetStanding,
    KeptState,
    RuleStanding,
    StateChange,
)

STATES = {
    AlertState.OK: Label("OK", ":material/check_circle:", "green"),
    AlertState.WARNING: Label("Warning", ":material/warning:", "orange"),
    AlertState.ALERT: Label("Alert", ":material/error:", "red"),
    AlertState.NO_DATA: Label("No data", ":material/hourglass_empty:", "gray"),
}
PERIODS = {BudgetPeriod.DAY: "today", BudgetPeriod.WEEK: "this week", BudgetPeriod.MONTH: "this month"}
_OFF = Label("Off", ":material/notifications_off:", "gray")
_UNSEEN = Label("Not looked at yet", ":material/hourglass_empty:", "gray")
_TOO_FEW = Label("Too few to tell", ":material/hourglass_empty:", "gray")
_DAY_HOURS = 24


def state_label(state: KeptState | None, *, is_on: bool) -> Label:
    """Return the words for a state; what is off, or was not looked at yet, has its own."""
    if not is_on:
        return _OFF
    return _UNSEEN if state is None else STATES[state.state]


def rule_label(standing: RuleStanding) -> Label:
    """Return the words for the state of a rule; "no data" beside a number of runs would be wrong."""
    label = state_label(standing.state, is_on=standing.rule.is_on)
    return _TOO_FEW if label is STATES[AlertState.NO_DATA] and _has_too_few(standing) else label


def standing_since(at: datetime, *, now: datetime | None = None) -> str:
    """Return how long a state has stood: "for 8 min"; what was measured is newer than that."""
    text = ago(at, now=now)
    return f"for {text.removesuffix(' ago')}" if text.endswith(" ago") else f"since {text}"


def badge(label: Label) -> str:
    """Return a label as Markdown."""
    return f":{label.colour}-badge[{label.icon} {label.text}]"


def window(hours: int) -> str:
    """Return a window: "24 h", "7 d"."""
    return f"{hours // _DAY_HOURS} d" if hours % _DAY_HOURS == 0 and hours > _DAY_HOURS else f"{hours} h"


def limits(rule: AlertRule) -> str:
    """Return the thresholds: "warning over 3 %, alert over 5 %"."""
    spec = MEASURES[rule.measure]
    way = "under" if spec.lower_is_worse else "over"
    return f"warning {way} {said(rule.warn_at, spec.unit)}, alert {way} {said(rule.alert_at, spec.unit)}"


def value_line(standing: RuleStanding) -> str:
    """Return what was measured: "6 % of 1,204 runs in 24 h"; it repeats no names."""
    rule, state = standing.rule, standing.state
    spec = MEASURES[rule.measure]
    if state is None or not rule.is_on:
        return f"looks at {window(rule.window_hours)}"
    length = window(rule.window_hours)
    counted = f"{state.count:,} {spec.counted} in {length}"
    if _has_too_few(standing):
        # The number is that of the window with fewer.
        each = f", and in the {length} before" if rule.measure is AlertMeasure.TURNS_GROWTH else ""
        return f"{state.count:,} of the {rule.least:,} {spec.counted} needed in {length}{each}"
    if state.state is AlertState.NO_DATA:
        return f"{counted}, nothing to compare with"
    return f"{said(state.value, spec.unit)}, {counted}"


def _has_too_few(standing: RuleStanding) -> bool:
    state = standing.state
    return state is not None and state.state is AlertState.NO_DATA and state.count < standing.rule.least


def narrowed(rule: AlertRule) -> str:
    """Return what the rule is limited to, empty where it counts everything; it repeats names, so it is data."""
    return ", ".join([*rule.models, *rule.agents, *rule.categories])


def rule_alert(standing: RuleStanding) -> str:
    """Return one line of Markdown for the strip: what has left its limits, and since when."""
    state = standing.state
    since = f", {standing_since(state.since)}" if state else ""
    said_of = f"{value_line(standing)} ({limits(standing.rule)}){since}"
    return f"{bold(standing.rule.name)}: {plain(said_of)}"


def budget_alert(standing: BudgetStanding) -> str:
    """Return the same for a budget."""
    end = standing.end
    more = "; no new run is taken" if standing.state and standing.state.state is AlertState.ALERT else ""
    said_of = f"{spent_line(standing)}, until {end.day} {end:%b %H:%M} UTC{more}"
    name = bold(f"Budget of {PERIODS[standing.budget.period]}")
    return f"{name}: {plain(said_of)}"


def spent_line(standing: BudgetStanding) -> str:
    """Return what was spent of a budget: "$4.10 of $5.00 spent, 2 calls unpriced"."""
    spent, limit = standing.spent, standing.budget.limit_usd
    of = f" of {usd(limit)}" if limit is not None else ""
    unpriced = f", {count(spent.unpriced_calls, 'call')} unpriced" if spent.unpriced_calls else ""
    return f"{usd(spent.cost_usd)}{of} spent{unpriced}"


def change_value(change: StateChange, standings: dict[str, AlertRule]) -> str:
    """Return the value that made a change, with its unit where the rule is still there."""
    if change.value is None:
        return ""
    if change.id.startswith("budget_"):
        return f"${change.value:,.2f}"
    rule = standings.get(change.id)
    return said(change.value, MEASURES[rule.measure].unit) if rule else f"{change.value:g}"
