"""The alerts page: states, a rule changed and tried, budgets, and the strip and the number elsewhere."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import alert_words as say
from pages.components.alert_strip import alert_strip
from pages.components.alert_trial import trial_rows, trial_sentence
from tests.pages.conftest import OpenPage
from triage.alerts.rules import DEFAULT_RULES
from triage.domain import (
    Actor,
    AlertMeasure,
    AlertRule,
    AlertState,
    AuditFilter,
    Budget,
    BudgetPeriod,
    BudgetStanding,
    KeptState,
    PastPoint,
    Reading,
    Role,
    RuleStanding,
    Spent,
    utc_now,
)
from triage.services import Services

MANAGER = Actor(name="mona", role=Role.MANAGER)
NASTY = "![x](http://127.0.0.1:9/x.png) :red[**now**]"
TRIPS = DEFAULT_RULES[0]


def spend_the_week(services: Services) -> None:
    """Bring the budget of the week to alert."""
    services.alerts.set_budget(Budget(period=BudgetPeriod.WEEK, limit_usd=Decimal(1), is_on=True), actor=MANAGER)
    with services.records.begin() as tx:
        tx.spending.add(utc_now().date(), cost_usd=Decimal(3), unpriced_calls=0)
    assert services.alert_watch is not None
    services.alert_watch.tick()


def button(page: AppTest, label: str) -> Any:
    return next(found for found in page.button if found.label == label)


def written(page: AppTest) -> str:
    return "\n".join(element.value for kind in (page.markdown, page.caption, page.error) for element in kind)


def test_the_rules_are_listed_with_their_limits(open_page: OpenPage) -> None:
    page = open_page("alerts")
    assert not page.exception
    assert all(rule.name in written(page) for rule in DEFAULT_RULES)
    assert "warning over 3" in written(page)


def test_a_manager_changes_a_rule_and_a_mistake_keeps_what_was_typed(open_page: OpenPage, running: Services) -> None:
    page = open_page("alerts", role=Role.MANAGER, alert="trip_rate")
    page.number_input(key="alert_warn_trip_rate_trip_rate_0").set_value(9.0)
    button(page, "Save").click().run()
    assert "Higher is worse here" in page.error[0].value
    assert page.number_input(key="alert_warn_trip_rate_trip_rate_0").value == 9.0
    page.number_input(key="alert_alert_trip_rate_trip_rate_0").set_value(10.0)
    button(page, "Save").click().run()
    kept = running.alerts.get("trip_rate")
    assert (kept.warn_at, kept.alert_at, kept.version) == (0.09, 0.1, 1)
    assert not page.error
    with running.records.read() as tx:
        assert [entry.after["warn_at"] for entry in tx.audit.list(AuditFilter(actions=("alert_rule.changed",)))] == [
            0.09
        ]


def test_who_may_not_see_the_alerts_is_told(open_page: OpenPage) -> None:
    page = open_page("alerts", role=Role.REVIEWER, alert="completion_p95")
    assert not page.exception
    assert "need the role manager" in page.info[0].value
    assert not page.button


def test_a_rule_is_tried_before_it_is_saved(open_page: OpenPage) -> None:
    page = open_page("alerts", alert="completion_p95")
    button(page, "Try it").click().run()
    assert not page.exception
    assert "There would have been no data" in written(page)


def test_a_new_rule_is_added_opened_and_removed(open_page: OpenPage, running: Services) -> None:
    page = open_page("alerts", role=Role.MANAGER)
    button(page, "New rule").click().run()
    page.text_input(key="alert_name_new_trip_rate_0").set_value(NASTY)
    button(page, "Save").click().run()
    added = [standing.rule for standing in running.alerts.standings()][-1]
    assert added.name == NASTY
    assert page.query_params["alert"] in (added.id, [added.id])
    assert NASTY not in written(page)
    button(page, "Remove it").click().run()
    assert not page.exception
    assert len(running.alerts.standings()) == len(DEFAULT_RULES)


def test_a_rule_that_is_gone_is_said_so(open_page: OpenPage) -> None:
    page = open_page("alerts", alert="rule_gone")
    assert "no such alert rule" in page.error[0].value


def test_a_budget_is_set_and_a_refused_message_stays_in_the_form(open_page: OpenPage, running: Services) -> None:
    page = open_page("alerts", role=Role.MANAGER, alert_view="Budgets")
    page.toggle(key="budget_on_day_0").set_value(True)
    page.button(key="budget_save_day_0").click().run()
    assert "Write the limit" in page.error[0].value
    page.number_input(key="budget_limit_day_0").set_value(2.5)
    page.button(key="budget_save_day_0").click().run()
    (day, *_) = running.alerts.budgets()
    assert (day.budget.limit_usd, day.budget.is_on, day.budget.changed_by) == (Decimal("2.5"), True, "local user")
    with running.records.begin() as tx:
        tx.spending.add(utc_now().date(), cost_usd=Decimal(3), unpriced_calls=1)

    desk = open_page("desk")
    desk.button(key="desk_new").click().run()
    text = next(area for area in desk.text_area if area.label == "What the customer wrote")
    text.set_value("Where is my order?")
    button(desk, "Submit").click().run()
    assert "budget of this day is used up" in desk.error[0].value.replace("\\", "")
    text = next(area for area in desk.text_area if area.label == "What the customer wrote")
    assert text.value == "Where is my order?"


def test_the_history_tells_every_change(open_page: OpenPage, running: Services) -> None:
    assert "Nothing has changed yet" in written(open_page("alerts", alert_view="History"))
    spend_the_week(running)
    page = open_page("alerts", alert_view="History")
    assert "Budget of the week" in list(page.dataframe[0].value["Rule"])
    assert "Alert" in list(page.dataframe[0].value["To"])


def test_the_overview_has_the_strip(open_page: OpenPage, running: Services) -> None:
    spend_the_week(running)
    page = open_page("overview")
    assert not page.exception
    assert "Budget of this week" in written(page)
    assert "no new run is taken" in written(page)


def test_the_strip_is_empty_while_all_is_well(running: Services) -> None:
    page = AppTest.from_function(alert_strip).run()
    assert len(page.markdown) == 0


@pytest.mark.parametrize(
    ("state", "count", "expected"),
    [
        (AlertState.ALERT, 1204, "6 %, 1,204 runs in 24 h"),
        (AlertState.NO_DATA, 12, "12 of the 50 runs needed in 24 h"),
        (AlertState.NO_DATA, 100, "100 runs in 24 h, nothing to compare with"),
    ],
)
def test_a_value_is_said_with_what_was_counted(state: AlertState, count: int, expected: str) -> None:
    assert say.value_line(standing(TRIPS, state, count)) == expected


def test_where_something_was_counted_the_page_does_not_say_that_there_is_no_data() -> None:
    growth = next(rule for rule in DEFAULT_RULES if rule.measure is AlertMeasure.TURNS_GROWTH)
    few = standing(growth, AlertState.NO_DATA, 3)
    assert say.rule_label(few).text == "Too few to tell"
    assert say.value_line(few) == "3 of the 50 conversations needed in 7 d, and in the 7 d before"
    assert say.rule_label(standing(TRIPS, AlertState.NO_DATA, 100)).text == "No data"
    off = TRIPS.model_copy(update={"is_on": False})
    assert say.rule_label(standing(off, AlertState.NO_DATA, 3)).text == "Off"


def standing(rule: AlertRule, state: AlertState, count: int) -> RuleStanding:
    now = utc_now()
    kept = KeptState(id=rule.id, state=state, value=0.06, count=count, since=now, looked_at=now)
    return RuleStanding(rule=rule, state=kept)


def test_a_state_says_for_how_long_it_has_stood() -> None:
    now = utc_now()
    assert say.standing_since(now - timedelta(minutes=8), now=now) == "for 8 min"
    assert say.standing_since(now, now=now) == "since just now"


def test_a_spent_budget_says_what_it_means() -> None:
    now = utc_now()
    kept = KeptState(id="budget_day", state=AlertState.ALERT, since=now, looked_at=now)
    standing = BudgetStanding(
        budget=Budget(period=BudgetPeriod.DAY, limit_usd=Decimal(5), is_on=True), state=kept,
        spent=Spent(cost_usd=Decimal("5.1"), unpriced_calls=2), start=now, end=now + timedelta(hours=3),
    )  # fmt: skip
    said = say.budget_alert(standing).replace("\\", "")
    assert said.startswith("**Budget of today**: $5.10 of $5.00 spent, 2 calls unpriced, until")
    assert said.endswith("no new run is taken")


def test_a_trial_says_when_the_state_would_have_changed() -> None:
    now = utc_now()
    states = [AlertState.OK, AlertState.WARNING, AlertState.WARNING, AlertState.ALERT, AlertState.OK]
    points = [
        PastPoint(at=now + timedelta(hours=number), reading=Reading(value=0.04, count=60), state=state)
        for number, state in enumerate(states)
    ]
    assert trial_sentence(points) == "It would have **warned 1 time** and **been at alert 1 time**."
    assert [(row["From"], row["To"]) for row in trial_rows(TRIPS, points)] == [
        ("Alert", "OK"), ("Warning", "Alert"), ("OK", "Warning"),
    ]  # fmt: skip
    assert trial_sentence(points[:1]) == "It would have said nothing: the figure stayed within its limits."
