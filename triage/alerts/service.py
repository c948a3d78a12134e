"""Rules and budgets for whoever reads and changes them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from triage.access.actions import Action, require
from triage.alerts.budgets import bounds, checked_budget, spent_in
from triage.alerts.readings import RuleReader
from triage.alerts.rules import DEFAULT_RULES, checked, default_rule
from triage.alerts.states import end_state, of_budget, of_rule
from triage.audit.entries import add_entry
from triage.domain import (
    Actor,
    AlertRule,
    AlertState,
    Budget,
    BudgetPeriod,
    BudgetStanding,
    PastPoint,
    RuleStanding,
    StateChange,
    utc_now,
)
from triage.errors import Conflict, DataFolderError, InvalidInput, NotFound
from triage.gateway import Gateway, Stores, TraceQueries

MAX_RULES = 50
LONGEST_TRIAL_DAYS = 90
_UNKEPT = {"version", "changed_by", "changed_at"}


class AlertService:
    """Reads rules, budgets and states for everyone, and lets managers and administrators change them.

    ``traces`` is there in the owner of the data folder only; ``look`` makes the watch look at once.
    """

    def __init__(
        self,
        *,
        records: Gateway,
        traces: TraceQueries | None = None,
        look: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._records = records
        self._traces = traces
        self._look = look
        self._clock = clock

    def standings(self) -> list[RuleStanding]:
        """Return the rules with their states: those of the console in their order, then the added ones by name."""
        with self._records.read() as tx:
            rules, states = list_rules(tx), {state.id: state for state in tx.alert_states.list()}
        return [RuleStanding(rule=rule, state=states.get(rule.id)) for rule in rules]

    def get(self, rule_id: str) -> AlertRule:
        """Return a rule.

        Raises:
            NotFound: there is none with this id.
        """
        with self._records.read() as tx:
            return _get(tx, rule_id)

    def budgets(self) -> list[BudgetStanding]:
        """Return the budget of each period, whether it is set or not, with what was spent in it so far."""
        now = self._clock()
        with self._records.read() as tx:
            states = {state.id: state for state in tx.alert_states.list()}
            found = []
            for budget in list_budgets(tx):
                start, end = bounds(budget.period, now)
                spent = spent_in(tx, budget.period, now)
                state = states.get(budget.id)
                found.append(BudgetStanding(budget=budget, state=state, spent=spent, start=start, end=end))
        return found

    def changes(self, watched_id: str | None = None, *, limit: int = 50) -> list[StateChange]:
        """Return the changes of the state of one rule or budget, or of all, the newest first."""
        with self._records.read() as tx:
            return tx.alert_states.list_changes(watched_id, limit=limit)

    def count_alerts(self) -> int:
        """Return how many rules and budgets are at alert."""
        with self._records.read() as tx:
            return int(tx.alert_states.count_in(AlertState.ALERT))

    def save(self, rule: AlertRule, *, actor: Actor) -> AlertRule:
        """Change a rule, or add one that has no id, and return it as it is kept.

        ``rule.version`` is the one that the person has seen.

        Raises:
            NotAllowed: the actor is no manager.
            InvalidInput: something in the rule cannot be used.
            NotFound: there is no rule with this id.
            Conflict: somebody has changed it meanwhile, or there are as many rules as there may be.
        """
        require(actor, Action.ALERTS_CHANGE)
        rule, now = checked(rule), self._clock()
        with self._records.begin() as tx:
            before = _get(tx, rule.id) if rule.id else None
            if before is None:
                if len(list_rules(tx)) >= MAX_RULES:
                    raise Conflict(f"There are {MAX_RULES} rules; remove one before you add another.")
                rule = rule.model_copy(update={"id": f"rule_{secrets.token_hex(6)}"})
            else:
                _require_unchanged(before.version, rule.version, by=before.changed_by)
                if before.measure is not rule.measure:
                    raise InvalidInput("A rule keeps its measure; add another rule for another one.")
            after = rule.model_copy(update={"version": rule.version + 1, "changed_by": actor.name, "changed_at": now})
            tx.alert_rules.put(after)
            if not after.is_on:
                end_state(tx, watched=of_rule(after), now=now, note=f"The rule was switched off by {actor.name}.")
            action = "alert_rule.changed" if before else "alert_rule.added"
            add_entry(
                tx, action, actor=actor, subject=("alert_rule", after.id), before=_kept(before), after=_kept(after)
            )
        self._look()
        return after

    def remove(self, rule_id: str, *, actor: Actor) -> None:
        """Remove a rule that was added here; those of the console can be switched off instead.

        Raises:
            NotAllowed: the actor is no manager.
            NotFound: there is no such rule.
            InvalidInput: the rule came with the console.
        """
        require(actor, Action.ALERTS_CHANGE)
        if default_rule(rule_id):
            raise InvalidInput("This rule came with the console: switch it off instead of removing it.")
        with self._records.begin() as tx:
            before = _get(tx, rule_id)
            end_state(tx, watched=of_rule(before), now=self._clock(), note=f"The rule was removed by {actor.name}.")
            tx.alert_rules.remove(rule_id)
            add_entry(tx, "alert_rule.removed", actor=actor, subject=("alert_rule", rule_id), before=_kept(before))

    def set_budget(self, budget: Budget, *, actor: Actor) -> Budget:
        """Set the budget of a period and return it as it is kept; it holds for the next new run.

        Raises:
            NotAllowed: the actor is no manager.
            InvalidInput: limit or share cannot be used.
            Conflict: somebody has changed it meanwhile.
        """
        require(actor, Action.BUDGETS_CHANGE)
        budget, now = checked_budget(budget), self._clock()
        with self._records.begin() as tx:
            before = tx.budgets.find_of(budget.period)
            if before is not None:
                _require_unchanged(before.version, budget.version, by=before.changed_by)
            after = budget.model_copy(
                update={"version": budget.version + 1, "changed_by": actor.name, "changed_at": now}
            )
            tx.budgets.put(after)
            if not after.is_on:
                end_state(tx, watched=of_budget(after), now=now, note=f"The budget was switched off by {actor.name}.")
            add_entry(
                tx, "budget.changed", actor=actor, subject=("budget", after.period.value), before=_kept(before),
                after=_kept(after),
            )  # fmt: skip
        self._look()
        return after

    def try_out(self, rule: AlertRule, *, days: int) -> list[PastPoint]:
        """Return what a rule would have said over the last days, oldest first; nothing is kept or told.

        Raises:
            InvalidInput: the rule or the number of days cannot be used.
            DataFolderError: the trace store cannot be read, or another process has it.
        """
        rule = checked(rule)
        if not 1 <= days <= LONGEST_TRIAL_DAYS:
            raise InvalidInput(f"A rule can be tried on the last 1 to {LONGEST_TRIAL_DAYS} days.")
        if self._traces is None:
            raise DataFolderError("Another process has the trace store open; try the rule on the console that runs.")
        end = self._clock().replace(minute=0, second=0, microsecond=0)
        return RuleReader(self._traces).past(rule, start=end - timedelta(days=days), end=end)


def list_rules(tx: Stores) -> list[AlertRule]:
    """Return the rules in force: those of the console as somebody has changed them, then the added ones by name."""
    kept: dict[str, AlertRule] = {rule.id: rule for rule in tx.alert_rules.list()}
    own = [kept.pop(rule.id, rule) for rule in DEFAULT_RULES]
    return [*own, *sorted(kept.values(), key=lambda rule: (rule.name.lower(), rule.id))]


def list_budgets(tx: Stores) -> list[Budget]:
    """Return the budget of each period, in the order day, week, month."""
    kept = {budget.period: budget for budget in tx.budgets.list()}
    return [kept.get(period) or Budget(period=period) for period in BudgetPeriod]


def _get(tx: Stores, rule_id: str) -> AlertRule:
    found = tx.alert_rules.find(rule_id) or default_rule(rule_id)
    if found is None:
        raise NotFound("There is no such alert rule; it may have been removed.")
    return found


def _require_unchanged(kept: int, seen: int, *, by: str) -> None:
    if kept != seen:
        raise Conflict(f"{by or 'Somebody'} has changed this meanwhile. Look at it again before you save yours.")


def _kept(value: AlertRule | Budget | None) -> Mapping[str, Any] | None:
    return None if value is None else value.model_dump(mode="json", exclude=_UNKEPT)
