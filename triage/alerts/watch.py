"""Looks at every rule and budget about once a minute, in the owner of the data folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from triage.alerts.budgets import judge_budget, spent_in
from triage.alerts.readings import RuleReader
from triage.alerts.rules import judge
from triage.alerts.service import list_budgets, list_rules
from triage.alerts.states import first_state, keep_state, of_budget, of_rule
from triage.domain import AlertRule, Budget, Reading, utc_now
from triage.gateway import Gateway, TraceQueries

LOOK_EVERY_S = 60.0

log = structlog.get_logger(__name__)


class AlertWatch:
    """Keeps the states; each is judged and kept in one transaction together with what is told of it."""

    def __init__(self, *, records: Gateway, traces: TraceQueries, clock: Callable[[], datetime] = utc_now) -> None:
        self._records = records
        self._reader = RuleReader(traces)
        self._clock = clock
        self._turn = threading.Lock()
        self._closing = False
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="alert-watch", daemon=True)

    def start(self) -> None:
        """Begin to look, the first time at once."""
        self._asked.set()
        self._thread.start()

    def look(self) -> None:
        """Look at the next moment and not only in a minute."""
        self._asked.set()

    def close(self) -> None:
        """Stop looking."""
        self._closing = True
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def tick(self) -> None:
        """Look at everything now; one rule that cannot be read does not keep the others from being judged."""
        with self._turn:
            now = self._clock()
            with self._records.read() as tx:
                rules = [rule for rule in list_rules(tx) if rule.is_on]
                budgets = [budget for budget in list_budgets(tx) if budget.is_on]
            for budget in budgets:
                self._try(partial(self._look_at_budget, budget, now=now))
            for rule in rules:
                if self._closing:
                    return
                self._try(partial(self._look_at_rule, rule, now=now))

    def _look_at_rule(self, rule: AlertRule, *, now: datetime) -> None:
        # The question to the trace store may take a moment, and nobody else can write while a transaction is open.
        reading = self._reader.read(rule, at=now)
        watched = of_rule(rule)
        with self._records.begin() as tx:
            kept_rule = next((kept for kept in list_rules(tx) if kept.id == rule.id), None)
            if kept_rule is None or not kept_rule.is_on or kept_rule.version != rule.version:
                # Somebody has changed it in between; the next look finds it as it is now.
                return
            kept = tx.alert_states.lock(first_state(watched, now=now))
            after = judge(rule, reading, before=kept.told)
            keep_state(tx, kept, after, watched=watched, reading=reading, now=now)

    def _look_at_budget(self, budget: Budget, *, now: datetime) -> None:
        with self._records.begin() as tx:
            budget = tx.budgets.find_of(budget.period) or budget
            if not budget.is_on:
                return
            spent = spent_in(tx, budget.period, now)
            watched = of_budget(budget)
            reading = Reading(value=float(spent.cost_usd), count=0, unpriced_calls=spent.unpriced_calls)
            kept = tx.alert_states.lock(first_state(watched, now=now))
            keep_state(tx, kept, judge_budget(budget, spent), watched=watched, reading=reading, now=now)

    def _try(self, look: Callable[[], None]) -> None:
        try:
            look()
        except Exception as error:  # noqa: BLE001 - the next look finds what this one could not read
            log.warning("alert_not_looked_at", error=type(error).__name__)

    def _loop(self) -> None:
        while True:
            self._asked.wait(LOOK_EVERY_S)
            self._asked.clear()
            if self._closing:
                return
            try:
                self.tick()
            except Exception as error:  # noqa: BLE001 - a locked database must not end the thread
                log.warning("alerts_not_looked_at", error=type(error).__name__)
