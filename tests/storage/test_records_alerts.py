"""Alert rules, budgets, states and the days' sums come back as they were kept, on both databases."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import sqlalchemy as sa

from storage.records import Records, open_engine
from storage.records.migrate import MIGRATIONS, apply_migrations
from tests.storage.conftest import NOW
from triage.alerts.rules import DEFAULT_RULES
from triage.domain import AlertState, Budget, BudgetPeriod, KeptState, Spent, StateChange

RULE = DEFAULT_RULES[0].model_copy(
    update={"models": ("gpt-5.4",), "categories": ("billing",), "version": 3, "changed_by": "mona", "changed_at": NOW}
)
STATE = KeptState(id="trip_rate", state=AlertState.OK, value=0.02, count=7, since=NOW, looked_at=NOW)


def test_rules_budgets_and_states_come_back(any_records: Records) -> None:
    budget = Budget(period=BudgetPeriod.WEEK, limit_usd=Decimal("12.345678901"), is_on=True, version=1, changed_at=NOW)
    with any_records.begin() as tx:
        for value in (RULE, RULE.model_copy(update={"version": 4})):
            tx.alert_rules.put(value)
        tx.budgets.put(budget)
        tx.budgets.put(Budget(period=BudgetPeriod.DAY))
        assert tx.alert_states.lock(STATE) == STATE
        tx.alert_states.put(STATE.model_copy(update={"state": AlertState.ALERT}))
    with any_records.read() as tx:
        assert tx.alert_rules.list() == [RULE.model_copy(update={"version": 4})]
        assert tx.budgets.find_of(BudgetPeriod.WEEK) == budget
        assert tx.budgets.list_on() == [budget]
        assert len(tx.budgets.list()) == 2
        assert tx.alert_states.count_in("alert") == 1
    with any_records.begin() as tx:
        assert tx.alert_states.lock(STATE).state is AlertState.ALERT
        tx.alert_states.remove("trip_rate")
        tx.alert_rules.remove("trip_rate")
        assert tx.alert_states.list() == []
        assert tx.alert_rules.list() == []


def test_changes_are_numbered_and_the_newest_comes_first(any_records: Records) -> None:
    with any_records.begin() as tx:
        for number, after in enumerate((AlertState.WARNING, AlertState.ALERT, AlertState.OK)):
            change = StateChange(
                id="b" if number == 1 else "a", name="A", before=AlertState.OK, after=after, value=0.1, note="n", at=NOW
            )
            tx.alert_states.add_change(change)
        assert [change.number for change in tx.alert_states.list_changes()] == [3, 2, 1]
        assert [change.after for change in tx.alert_states.list_changes("a")] == [AlertState.OK, AlertState.WARNING]
        assert tx.alert_states.list_changes(limit=1)[0].note == "n"


def test_days_add_up_and_each_counts_for_itself(any_records: Records) -> None:
    day = date(2026, 3, 1)
    with any_records.begin() as tx:
        for number, usd in enumerate(("0.1", "0.2", "0.000000001")):
            tx.spending.add(day, cost_usd=Decimal(usd), unpriced_calls=number)
        tx.spending.add(day + timedelta(days=1), cost_usd=Decimal(5), unpriced_calls=0)
        tx.spending.add(day - timedelta(days=1), cost_usd=Decimal(7), unpriced_calls=0)
        tx.spending.add(day - timedelta(days=2), cost_usd=Decimal(0), unpriced_calls=0)
        assert tx.spending.between(day, day + timedelta(days=1)) == Spent(
            cost_usd=Decimal("0.300000001"), unpriced_calls=3
        )
        assert tx.spending.between(day, day + timedelta(days=31)).cost_usd == Decimal("5.300000001")
        assert tx.spending.between(date(2026, 4, 1), date(2026, 5, 1)) == Spent()


def test_older_records_know_what_their_runs_have_cost(records: Records, tmp_path: Path, make: SimpleNamespace) -> None:
    older = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, older, ignore=lambda _folder, names: [name for name in names if _is_newer(name)])
    old = Records(open_engine(f"sqlite:///{tmp_path / 'old.db'}"))
    apply_migrations(old.engine, folder=older, head="0006")
    with records.begin() as tx:
        tx.conversations.add(make.conversation())
        for name, usd, ended_at in (
            ("a", "0.1", make.now),
            ("b", "0.25", None),
            ("c", "1", make.now - timedelta(days=9)),
        ):
            tx.runs.add(make.run(id=name, cost_usd=Decimal(usd), unpriced_calls=1, ended_at=ended_at))
    _copy_to_older(tmp_path / "triage.db", old)
    old.migrate()
    with old.read() as tx:
        day = make.now.date()
        assert tx.spending.between(day, day + timedelta(days=1)) == Spent(cost_usd=Decimal("0.35"), unpriced_calls=2)
        assert tx.spending.between(day - timedelta(days=9), day).cost_usd == 1
    old.close()


def _copy_to_older(newer: Path, old: Records) -> None:
    """Copy what both versions have a column for."""
    with old.engine.connect() as connection:
        connection.execute(sa.text("attach database :path as newer"), {"path": str(newer)})
        for table in ("conversations", "runs"):
            columns = ", ".join(
                column["name"] for column in sa.inspect(connection).get_columns(table) if "computed" not in column
            )
            connection.execute(sa.text(f"insert into {table} ({columns}) select {columns} from newer.{table}"))
        connection.commit()
        connection.execute(sa.text("detach database newer"))


def _is_newer(name: str) -> bool:
    return name == "__pycache__" or (name.startswith("v") and name[1:5].isdigit() and name[1:5] > "0006")
