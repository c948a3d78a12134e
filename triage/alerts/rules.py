"""The rules that come with the console, what a rule may say, and how it judges a reading: all of it pure."""

from __future__ import annotations

import math
import re

from triage.alerts.measures import MEASURES, said
from triage.domain import AlertMeasure, AlertRule, AlertState, Category, Reading
from triage.errors import InvalidInput

DAY_HOURS, WEEK_HOURS = 24, 7 * 24
LONGEST_WINDOW_HOURS = 31 * 24
MAX_NAME_CHARS = 80
MAX_NAMES = 20
MAX_LEAST = 1_000_000
CALM = 0.1
"""A state ends when the value is back behind its threshold by this share of the way to the best value."""

# Production guides for agents in support name these limits: trips over 5 % of runs, less than 80 % of handoffs
# successful, p95 over 30 s. The warnings stand where there is still time to look.
DEFAULT_RULES = (
    AlertRule(
        id="trip_rate", name="Guardrail trips", measure=AlertMeasure.TRIP_RATE, window_hours=DAY_HOURS,
        warn_at=0.03, alert_at=0.05, least=50,
    ),
    AlertRule(
        id="handoff_success", name="Handoff success", measure=AlertMeasure.HANDOFF_SUCCESS, window_hours=DAY_HOURS,
        warn_at=0.85, alert_at=0.80, least=30,
    ),
    AlertRule(
        id="completion_p95", name="Time to completion", measure=AlertMeasure.COMPLETION_P95, window_hours=DAY_HOURS,
        warn_at=20, alert_at=30, least=50,
    ),
    AlertRule(
        id="turns_growth", name="Growing conversations", measure=AlertMeasure.TURNS_GROWTH, window_hours=WEEK_HOURS,
        warn_at=0.25, alert_at=0.5, least=50,
    ),
    AlertRule(
        id="turns_p95", name="Long conversations", measure=AlertMeasure.TURNS_P95, window_hours=WEEK_HOURS,
        warn_at=30, alert_at=50, least=50,
    ),
    AlertRule(
        id="cost_trend", name="Cost per run", measure=AlertMeasure.COST_TREND, window_hours=WEEK_HOURS,
        warn_at=0.2, alert_at=0.5, least=50,
    ),
)  # fmt: skip
_DEFAULTS = {rule.id: rule for rule in DEFAULT_RULES}
_WORSE = {AlertState.OK: 0, AlertState.WARNING: 1, AlertState.ALERT: 2}
_BLANKS = re.compile(r"\s+")


def default_rule(rule_id: str) -> AlertRule | None:
    """Return a rule as it comes with the console, or None where it was added here."""
    return _DEFAULTS.get(rule_id)


def judge(rule: AlertRule, reading: Reading, *, before: AlertState) -> AlertState:
    """Return the state that a reading puts a rule in that was in ``before``.

    It becomes worse as soon as a threshold is passed, and better only when the value is clearly back: a tenth of the
    way from the threshold to the best value (0, or 1 where lower is worse). So a value that stays close to a threshold
    changes the state once.
    """
    if reading.value is None or reading.count < rule.least:
        return AlertState.NO_DATA
    now = _state(rule, reading.value, calm=0.0)
    if _WORSE[now] >= _WORSE.get(before, 0):
        return now
    # What has begun ends with the calmer thresholds, and never in a state above the one that it was in.
    calmer = _state(rule, reading.value, calm=CALM)
    return calmer if _WORSE[calmer] <= _WORSE[before] else before


def calm_threshold(rule: AlertRule, threshold: float) -> float:
    """Return the value at which the state that begins at a threshold ends."""
    best = 1.0 if MEASURES[rule.measure].lower_is_worse else 0.0
    return threshold + CALM * (best - threshold)


def _state(rule: AlertRule, value: float, *, calm: float) -> AlertState:
    lower = MEASURES[rule.measure].lower_is_worse
    for threshold, state in ((rule.alert_at, AlertState.ALERT), (rule.warn_at, AlertState.WARNING)):
        limit = calm_threshold(rule, threshold) if calm else threshold
        if value < limit if lower else value > limit:
            return state
    return AlertState.OK


def checked(rule: AlertRule) -> AlertRule:
    """Return the rule as it can be kept.

    Raises:
        InvalidInput: something in it cannot be used; the sentence says what to write.
    """
    name = _BLANKS.sub(" ", rule.name).strip()
    if not name or len(name) > MAX_NAME_CHARS:
        raise InvalidInput(f"Give the rule a name of at most {MAX_NAME_CHARS} characters.")
    if not 1 <= rule.window_hours <= LONGEST_WINDOW_HOURS:
        raise InvalidInput(f"The window is from 1 to {LONGEST_WINDOW_HOURS} hours (31 days); write such a number.")
    if not 1 <= rule.least <= MAX_LEAST:
        raise InvalidInput(f"The least number to judge by is from 1 to {MAX_LEAST:,}.")
    _check_thresholds(rule)
    unknown = set(rule.categories) - {category.value for category in Category}
    if unknown:
        raise InvalidInput(f"There is no category {min(unknown)[:60]}; choose {', '.join(Category)}.")
    for what, names in (("models", rule.models), ("agents", rule.agents)):
        if len(names) > MAX_NAMES or any(not one.strip() or len(one) > 200 for one in names):  # noqa: PLR2004
            raise InvalidInput(f"Choose at most {MAX_NAMES} {what}, each by its name.")
    return rule.model_copy(update={"name": name})


def _check_thresholds(rule: AlertRule) -> None:
    spec = MEASURES[rule.measure]
    for threshold in (rule.warn_at, rule.alert_at):
        if not math.isfinite(threshold) or not 0 < threshold <= spec.highest:
            raise InvalidInput(f"The thresholds are above 0 and at most {said(spec.highest, spec.unit)}.")
    if spec.lower_is_worse and rule.warn_at < rule.alert_at:
        raise InvalidInput("Lower is worse here, so the warning begins above the alert: swap the two, or raise it.")
    if not spec.lower_is_worse and rule.warn_at > rule.alert_at:
        raise InvalidInput("Higher is worse here, so the warning begins below the alert: swap the two, or lower it.")
