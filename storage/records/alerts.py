"""Alert rules and budgets as people changed them, the states they are in, and how those changed."""

from __future__ import annotations

import builtins
from typing import Any

import sqlalchemy as sa

from storage.records.base import Store, insert_once, upsert
from storage.records.prepared import Prepared
from storage.records.schema_alerts import alert_changes, alert_rules, alert_states, budgets
from triage.domain import AlertRule, Budget, BudgetPeriod, KeptState, StateChange

_RULES = Prepared(sa.select(alert_rules).order_by(alert_rules.c.id))
_REMOVE_RULE = sa.delete(alert_rules).where(alert_rules.c.id == sa.bindparam("id"))
_BUDGETS = Prepared(sa.select(budgets))
_BUDGETS_ON = Prepared(sa.select(budgets).where(budgets.c.is_on))
_BUDGET = Prepared(sa.select(budgets).where(budgets.c.period == sa.bindparam("period")))
_STATES = Prepared(sa.select(alert_states).order_by(alert_states.c.id))
_LOCKED_STATE = Prepared(sa.select(alert_states).where(alert_states.c.id == sa.bindparam("id")).with_for_update())
_REMOVE_STATE = sa.delete(alert_states).where(alert_states.c.id == sa.bindparam("id"))
_COUNT_IN = sa.select(sa.func.count()).where(alert_states.c.state == sa.bindparam("state"))
_CHANGES = sa.select(alert_changes).order_by(alert_changes.c.number.desc()).limit(sa.bindparam("limit"))
_CHANGES_OF = _CHANGES.where(alert_changes.c.id == sa.bindparam("id"))


class AlertRuleStore(Store[AlertRule]):
    """The rules that somebody has added or changed."""

    table = alert_rules
    value = AlertRule
    noun = "alert rule"

    def put(self, rule: AlertRule) -> None:
        """Keep a rule, in place of the one with its id."""
        upsert(alert_rules, self.connection.dialect.name).run(self.connection, self._row(rule))

    def remove(self, id: str) -> None:  # noqa: A002 - the column's name
        """Remove a rule if it is there."""
        self.connection.execute(_REMOVE_RULE, {"id": id})

    def list(self) -> builtins.list[AlertRule]:
        """Return all of them, by id."""
        return self._all(_RULES)


class BudgetStore(Store[Budget]):
    """The budgets that somebody has set."""

    table = budgets
    value = Budget
    noun = "budget"

    def put(self, budget: Budget) -> None:
        """Keep a budget, in place of the one of the same period."""
        upsert(budgets, self.connection.dialect.name).run(self.connection, self._row(budget))

    def find_of(self, period: BudgetPeriod) -> Budget | None:
        """Return the budget of a period, or None."""
        return self._one(_BUDGET, {"period": period.value})

    def list(self) -> builtins.list[Budget]:
        """Return all of them, in no order."""
        return self._all(_BUDGETS)

    def list_on(self) -> builtins.list[Budget]:
        """Return those that are on, in no order."""
        return self._all(_BUDGETS_ON)


class AlertStateStore(Store[KeptState]):
    """The state of each rule and budget that was looked at, and every change of one."""

    table = alert_states
    value = KeptState
    noun = "state"

    def lock(self, first: KeptState) -> KeptState:
        """Return the state with that id, which nobody else changes before this transaction ends; ``first`` if none."""
        once = insert_once(alert_states, ("id",), self.connection.dialect.name)
        once.run(self.connection, self._row(first))
        return self._one(_LOCKED_STATE, {"id": first.id}) or first

    def put(self, state: KeptState) -> None:
        """Keep a state, in place of the one with its id."""
        upsert(alert_states, self.connection.dialect.name).run(self.connection, self._row(state))

    def remove(self, id: str) -> None:  # noqa: A002
        """Forget a state if it is there."""
        self.connection.execute(_REMOVE_STATE, {"id": id})

    def list(self) -> builtins.list[KeptState]:
        """Return all states, by id."""
        return self._all(_STATES)

    def count_in(self, state: str) -> int:
        """Return how many rules and budgets are in a state."""
        return int(self.connection.scalar(_COUNT_IN, {"state": state}) or 0)

    def add_change(self, change: StateChange) -> None:
        """Keep a change; it gets the next number."""
        row: dict[str, Any] = change.model_dump(exclude={"number"}, mode="python")
        row |= {"before": change.before.value, "after": change.after.value}
        self.connection.execute(sa.insert(alert_changes), row)

    def list_changes(self, id: str | None = None, *, limit: int = 50) -> builtins.list[StateChange]:  # noqa: A002
        """Return the changes of one id, or of all, the newest first."""
        statement = _CHANGES if id is None else _CHANGES_OF
        parameters = {"limit": limit} if id is None else {"limit": limit, "id": id}
        rows = self.connection.execute(statement, parameters)
        return [StateChange.model_validate(row._asdict()) for row in rows]
