"""States over a real store: each change is kept and told once, also after a kill."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.alerts.conftest import MANAGER, NOW, Desk, Figures, Traces
from triage.alerts.watch import AlertWatch
from triage.domain import AlertState, Budget, BudgetPeriod, WebhookFormat
from triage.notices.message import message

ALL_OK = ["completion_p95", "cost_trend", "handoff_success", "trip_rate", "turns_growth", "turns_p95"]


def test_the_first_look_says_ok_and_tells_nobody(desk: Desk) -> None:
    desk.look()
    assert desk.states() == dict.fromkeys(ALL_OK, AlertState.OK)
    assert desk.told() == []


def test_each_measure_is_read(desk: Desk) -> None:
    desk.figures.blocked, desk.figures.successful, desk.figures.p95_ms = 60, 70, 31_000.0
    desk.figures.turns = {0: 60.0, 1: 35.0}
    desk.figures.costs = {0: Decimal(14), 1: Decimal(10), 2: Decimal(12), 3: Decimal(8), 4: Decimal(10)}
    desk.look()
    found = {standing.rule.id: standing.state for standing in desk.alerts.standings()}
    values = {rule_id: round(state.value, 4) for rule_id, state in found.items() if state and state.value is not None}
    assert values == {
        "trip_rate": 0.06,
        "handoff_success": 0.7,
        "completion_p95": 31.0,
        "turns_growth": 0.7143,
        "turns_p95": 60.0,
        "cost_trend": 0.4,
    }
    assert desk.states() == {**dict.fromkeys(ALL_OK, AlertState.ALERT), "cost_trend": AlertState.WARNING}
    assert found["handoff_success"] is not None
    assert found["handoff_success"].count == 100
    assert desk.alerts.count_alerts() == 5


def test_a_change_is_kept_and_told_once(desk: Desk) -> None:
    for blocked in (10, 40, 40, 60, 60, 48, 44, 10, 10):
        desk.figures.blocked = blocked
        desk.look()
    assert desk.told() == ["alert.warning", "alert.alert", "alert.warning", "alert.ok"]
    changes = desk.alerts.changes("trip_rate")
    assert [(change.before.value, change.after.value) for change in reversed(changes)] == [
        ("no_data", "ok"),
        ("ok", "warning"),
        ("warning", "alert"),
        ("alert", "warning"),
        ("warning", "ok"),
    ]
    assert changes[0].at == NOW + timedelta(minutes=7)
    assert (changes[2].value, changes[2].alert_at) == (0.06, 0.05)


def test_no_data_is_kept_and_not_told(desk: Desk) -> None:
    desk.figures.blocked = 60
    desk.look()
    for runs, blocked in ((10, 0), (1000, 60), (1000, 10)):
        desk.figures.runs, desk.figures.blocked = runs, blocked
        desk.look()
    assert [change.after.value for change in reversed(desk.alerts.changes("trip_rate"))] == [
        "alert", "no_data", "alert", "ok",
    ]  # fmt: skip
    assert desk.told() == ["alert.alert", "alert.ok"]


def test_a_notice_names_figure_and_limits_and_leads_to_the_rule(desk: Desk) -> None:
    desk.figures.blocked = 60
    desk.look()
    (delivery,) = desk.notices()
    body = json.loads(delivery.body)
    assert body["topic"] == "alert.alert"
    assert body["approval"] is None
    assert body["alert"] == {
        "id": "trip_rate", "name": "Guardrail trips", "measure": "trip_rate", "unit": "share", "state": "alert",
        "before": "ok", "value": 0.06, "count": 1000, "warn_at": 0.03, "alert_at": 0.05,
        "summary": "Guardrail trips: 6 % (warning from 3 %, alert from 5 %)",
    }  # fmt: skip


def test_a_notice_links_to_the_rule_and_to_the_budgets(desk: Desk) -> None:
    desk.figures.blocked = 60
    desk.alerts.set_budget(Budget(period=BudgetPeriod.DAY, limit_usd=Decimal(1), is_on=True), actor=MANAGER)
    with desk.records.begin() as tx:
        tx.spending.add(NOW.date(), cost_usd=Decimal("1.5"), unpriced_calls=0)
    desk.look()
    sent = {
        form: [message(notice.body, form=form, console_url="https://desk.example") for notice in desk.notices()]
        for form in WebhookFormat
    }
    links = {json.loads(body)["link"] for body in sent[WebhookFormat.JSON]}
    assert links == {"https://desk.example/alerts?alert=trip_rate", "https://desk.example/alerts?alert_view=Budgets"}
    assert {json.loads(body)["text"] for body in sent[WebhookFormat.SLACK]} == {
        "Alert: Guardrail trips: 6 % (warning from 3 %, alert from 5 %)",
        "Alert: Budget of the day: $1.50 (warning from $0.80, alert from $1.00)",
    }


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("place", ["put", "add_change", "notify", "commit"])
def test_a_kill_between_leaves_nothing_half_done(place: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import Connection

    from storage.records.alerts import AlertStateStore
    from storage.records.webhooks import DeliveryStore

    desk.look()
    desk.figures.blocked = 60
    target = {
        "put": (AlertStateStore, "put"),
        "add_change": (AlertStateStore, "add_change"),
        "notify": (DeliveryStore, "add_all"),
        "commit": (Connection, "commit"),
    }[place]

    def kill(*_: object, **__: object) -> None:
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(*target, kill)
        with pytest.raises(_Killed):
            desk.look()
    assert desk.told() == []
    for _ in range(3):
        desk.look()
    assert desk.told() == ["alert.alert"]


def test_a_store_that_cannot_be_read_leaves_the_states(desk: Desk) -> None:
    desk.look()
    desk.figures.fails = True
    desk.look()
    assert desk.states() == dict.fromkeys(ALL_OK, AlertState.OK)


def test_switching_a_rule_off_ends_its_alert(desk: Desk) -> None:
    desk.figures.blocked = 60
    desk.look()
    desk.alerts.save(desk.alerts.get("trip_rate").model_copy(update={"is_on": False}), actor=MANAGER)
    desk.look()
    assert "trip_rate" not in desk.states()
    assert desk.alerts.count_alerts() == 0
    assert desk.alerts.changes("trip_rate")[0].note == "The rule was switched off by mona."
    assert desk.told() == ["alert.alert", "alert.ok"]


def test_a_rule_that_is_changed_during_a_look_is_judged_at_the_next(desk: Desk) -> None:
    class Slow(Figures):
        def totals(self, *asked: object) -> object:  # type: ignore[override]
            if desk.alerts.get("trip_rate").version == 0:
                desk.alerts.save(desk.alerts.get("trip_rate").model_copy(update={"alert_at": 0.5}), actor=MANAGER)
            return desk.figures.totals(*asked)  # type: ignore[arg-type]

    desk.figures.blocked = 60
    AlertWatch(records=desk.records, traces=Traces(Slow()), clock=desk.clock).tick()
    assert "trip_rate" not in desk.states()
    desk.look()
    assert desk.states()["trip_rate"] is AlertState.WARNING


def test_a_budget_warns_alerts_and_begins_anew(desk: Desk) -> None:
    desk.alerts.set_budget(Budget(period=BudgetPeriod.DAY, limit_usd=Decimal(10), is_on=True), actor=MANAGER)
    for spent in ("7.99", "0.01", "2", "1"):
        with desk.records.begin() as tx:
            tx.spending.add(desk.clock.now.date(), cost_usd=Decimal(spent), unpriced_calls=0)
        desk.look()
    assert desk.told() == ["alert.warning", "alert.alert"]
    desk.clock.later(hours=12)
    desk.look()
    assert desk.told() == ["alert.warning", "alert.alert", "alert.ok"]
