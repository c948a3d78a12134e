"""What a rule may say, and how it judges: tables and properties, without any store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from triage.alerts.measures import MEASURES, said
from triage.alerts.readings import MOST_POINTS, growth, moments
from triage.alerts.rules import DEFAULT_RULES, calm_threshold, checked, default_rule, judge
from triage.domain import AlertMeasure, AlertRule, AlertState, Reading
from triage.errors import InvalidInput

OK, WARNING, ALERT, NO_DATA = AlertState.OK, AlertState.WARNING, AlertState.ALERT, AlertState.NO_DATA
RANK = {OK: 0, WARNING: 1, ALERT: 2}
TRIPS = DEFAULT_RULES[0]
HANDOFFS = DEFAULT_RULES[1]


@pytest.mark.parametrize(
    ("rule", "value", "count", "before", "expected"),
    [
        (TRIPS, 0.02, 50, OK, OK),
        (TRIPS, 0.03, 50, OK, OK),
        (TRIPS, 0.031, 50, OK, WARNING),
        (TRIPS, 0.05, 50, OK, WARNING),
        (TRIPS, 0.051, 50, OK, ALERT),
        (TRIPS, 0.051, 49, OK, NO_DATA),
        (TRIPS, 0.051, 49, ALERT, NO_DATA),
        (TRIPS, None, 0, ALERT, NO_DATA),
        # Just below its threshold a state goes on; clearly below it ends.
        (TRIPS, 0.048, 50, ALERT, ALERT),
        (TRIPS, 0.044, 50, ALERT, WARNING),
        (TRIPS, 0.028, 50, ALERT, WARNING),
        (TRIPS, 0.028, 50, WARNING, WARNING),
        (TRIPS, 0.026, 50, WARNING, OK),
        (TRIPS, 0.048, 50, WARNING, WARNING),
        (HANDOFFS, 0.90, 30, OK, OK),
        (HANDOFFS, 0.85, 30, OK, OK),
        (HANDOFFS, 0.849, 30, OK, WARNING),
        (HANDOFFS, 0.799, 30, OK, ALERT),
        (HANDOFFS, 0.81, 30, ALERT, ALERT),
        (HANDOFFS, 0.83, 30, ALERT, WARNING),
        (HANDOFFS, 0.86, 30, WARNING, WARNING),
        (HANDOFFS, 0.87, 30, WARNING, OK),
    ],
)
def test_a_reading_is_judged(
    rule: AlertRule, value: float | None, count: int, before: AlertState, expected: AlertState
) -> None:
    assert judge(rule, Reading(value=value, count=count), before=before) is expected


@given(
    rule=some.sampled_from(DEFAULT_RULES),
    place=some.floats(0, 2),
    before=some.sampled_from([OK, WARNING, ALERT]),
)
def test_a_state_is_what_the_thresholds_say_or_stays_on_the_way_down(
    rule: AlertRule, place: float, before: AlertState
) -> None:
    value = rule.alert_at * place
    reading = Reading(value=value, count=rule.least)
    bare, after = judge(rule, reading, before=OK), judge(rule, reading, before=before)
    if RANK[bare] >= RANK[before]:
        assert after is bare
    else:
        assert RANK[bare] <= RANK[after] <= RANK[before]


@given(rule=some.sampled_from(DEFAULT_RULES), shares=some.lists(some.floats(0.001, 0.999), min_size=2, max_size=20))
def test_a_value_that_wavers_at_a_threshold_changes_the_state_once(rule: AlertRule, shares: list[float]) -> None:
    state, changes = OK, 0
    end = calm_threshold(rule, rule.alert_at)
    for share in [1.001, *shares, 1.001]:
        value = end + (rule.alert_at - end) * share
        after = judge(rule, Reading(value=value, count=rule.least), before=state)
        changes, state = changes + (after is not state), after
    assert (state, changes) == (ALERT, 1)


@given(rule=some.sampled_from(DEFAULT_RULES), state=some.sampled_from([OK, WARNING, ALERT]))
def test_the_best_value_is_ok_and_the_worst_an_alert(rule: AlertRule, state: AlertState) -> None:
    lower = MEASURES[rule.measure].lower_is_worse
    best, worst = (1.0, 0.0) if lower else (0.0, rule.alert_at * 2)
    assert judge(rule, Reading(value=best, count=rule.least), before=state) is OK
    assert judge(rule, Reading(value=worst, count=rule.least), before=state) is ALERT


def test_the_rules_of_the_console_can_be_kept_and_are_what_guides_name() -> None:
    assert [checked(rule) for rule in DEFAULT_RULES] == list(DEFAULT_RULES)
    alerts = {rule.measure: rule.alert_at for rule in DEFAULT_RULES}
    assert set(alerts) == set(AlertMeasure)
    assert (alerts[AlertMeasure.TRIP_RATE], alerts[AlertMeasure.HANDOFF_SUCCESS]) == (0.05, 0.8)
    assert alerts[AlertMeasure.COMPLETION_P95] == 30
    assert default_rule("trip_rate") is TRIPS


@pytest.mark.parametrize(
    ("rule", "changes", "sentence"),
    [
        (TRIPS, {"name": " "}, "Give the rule a name"),
        (TRIPS, {"name": "x" * 81}, "at most 80"),
        (TRIPS, {"window_hours": 0}, "from 1 to 744 hours"),
        (TRIPS, {"window_hours": 745}, "from 1 to 744 hours"),
        (TRIPS, {"least": 0}, "least number"),
        (TRIPS, {"alert_at": 0.0}, "above 0"),
        (TRIPS, {"alert_at": 1.5}, "at most 100 %"),
        (TRIPS, {"alert_at": float("nan")}, "above 0"),
        (TRIPS, {"warn_at": 0.06}, "Higher is worse here"),
        (HANDOFFS, {"warn_at": 0.7}, "Lower is worse here"),
        (TRIPS, {"categories": ("weather",)}, "no category weather"),
        (TRIPS, {"models": tuple("abcdefghijklmnopqrstu")}, "at most 20 models"),
        (TRIPS, {"agents": ("",)}, "at most 20 agents"),
    ],
)
def test_a_mistake_is_refused_with_a_sentence(rule: AlertRule, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        checked(rule.model_copy(update=changes))


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.05, "share", "5 %"),
        (0.8333, "share", "83.3 %"),
        (0.25, "growth", "+25 %"),
        (-0.1, "growth", "-10 %"),
        (30.0, "seconds", "30 s"),
        (4.25, "seconds", "4.2 s"),
        (1.0, "turns", "1 turn"),
        (12.5, "turns", "12.5 turns"),
        (None, "share", "no data"),
    ],
)
def test_values_are_said_with_their_unit(value: float | None, unit: Any, expected: str) -> None:
    assert said(value, unit) == expected


def test_growth_compares_with_the_mean_of_what_is_known() -> None:
    assert growth(12.0, [10.0]) == pytest.approx(0.2)
    assert growth(15.0, [5.0, None, 15.0]) == pytest.approx(0.5)
    assert growth(None, [1.0]) is None
    assert growth(1.0, [None]) is None
    assert growth(1.0, [0.0]) is None


@given(days=some.integers(1, 90))
def test_a_trial_looks_often_and_not_too_often(days: int) -> None:
    end = datetime(2026, 3, 4, tzinfo=UTC)
    found = moments(end - timedelta(days=days), end)
    steps = {after - before for before, after in pairwise(found)}
    assert found[-1] == end
    assert len(steps) == 1
    assert len(found) <= MOST_POINTS + 1
    assert end - timedelta(days=days) <= found[0] < end - timedelta(days=days) + steps.pop()
