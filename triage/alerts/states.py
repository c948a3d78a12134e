"""Keeping states: a change is kept and told in the transaction that makes it, so it is told once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from triage.alerts.budgets import usd
from triage.alerts.measures import MEASURES, Unit, said
from triage.domain import AlertRule, AlertState, Budget, KeptState, NoticeTopic, Reading, StateChange
from triage.gateway import Stores
from triage.notices.outbox import notify

_TOPICS = {
    AlertState.OK: NoticeTopic.ALERT_OK,
    AlertState.WARNING: NoticeTopic.ALERT_WARNING,
    AlertState.ALERT: NoticeTopic.ALERT_ALERT,
}


class Watched(NamedTuple):
    """What states and notices say of a rule or budget."""

    id: str
    name: str
    measure: str
    unit: Unit | Literal["usd"]
    warn_at: float | None
    alert_at: float | None

    def words(self, value: float | None) -> str:
        """Return a value as a person says it."""
        if self.unit == "usd":
            return "no data" if value is None else usd(Decimal(str(value)))
        return said(value, self.unit)


def of_rule(rule: AlertRule) -> Watched:
    """Return what is said of a rule."""
    unit = MEASURES[rule.measure].unit
    return Watched(rule.id, rule.name, rule.measure.value, unit, rule.warn_at, rule.alert_at)


def of_budget(budget: Budget) -> Watched:
    """Return what is said of a budget."""
    limit = None if budget.limit_usd is None else float(budget.limit_usd)
    warn = None if limit is None else limit * budget.warn_share
    name = f"Budget of the {budget.period.value}"
    return Watched(budget.id, name, "spending", "usd", warn, limit)


def first_state(watched: Watched, *, now: datetime) -> KeptState:
    """Return the state before the first look: nothing is known, and nobody was told of anything."""
    return KeptState(id=watched.id, state=AlertState.NO_DATA, since=now, looked_at=now)


def keep_state(
    tx: Stores, kept: KeptState, after: AlertState, *, watched: Watched, reading: Reading, now: datetime, note: str = ""
) -> KeptState:
    """Keep what a look has found; a change goes into the history, and to the webhooks unless they know that state.

    ``no_data`` is never told: what was told before it stands until something else is known.
    """
    is_news = after in _TOPICS and after is not kept.told
    changed = kept.model_copy(
        update={
            "state": after,
            "told": after if is_news else kept.told,
            "value": reading.value,
            "count": reading.count,
            "since": now if after is not kept.state else kept.since,
            "looked_at": now,
        }
    )
    tx.alert_states.put(changed)
    if after is not kept.state:
        tx.alert_states.add_change(
            StateChange(
                id=watched.id, name=watched.name, before=kept.state, after=after, value=reading.value,
                count=reading.count, warn_at=watched.warn_at, alert_at=watched.alert_at, note=note, at=now,
            )
        )  # fmt: skip
    if is_news:
        notify(tx, _TOPICS[after], subject_of(watched, kept.told, after, reading, note=note), now=now)
    return changed


def end_state(tx: Stores, *, watched: Watched, now: datetime, note: str) -> None:
    """Forget the state of what is switched off or removed; who was told of a warning or alert is told that it is over.

    So no receiver is left with an alert that nobody will ever end.
    """
    kept = next((state for state in tx.alert_states.list() if state.id == watched.id), None)
    if kept is None:
        return
    nothing = Reading(value=None, count=0)
    if kept.told is not AlertState.OK:
        ended = subject_of(watched, kept.told, AlertState.OK, nothing, note=note)
        notify(tx, NoticeTopic.ALERT_OK, ended, now=now)
    if kept.state is not AlertState.NO_DATA:
        tx.alert_states.add_change(
            StateChange(
                id=watched.id, name=watched.name, before=kept.state, after=AlertState.NO_DATA,
                warn_at=watched.warn_at, alert_at=watched.alert_at, note=note, at=now,
            )
        )  # fmt: skip
    tx.alert_states.remove(watched.id)


def subject_of(
    watched: Watched, before: AlertState, after: AlertState, reading: Reading, *, note: str = ""
) -> dict[str, Any]:
    """Return what a notice says of a change."""
    return {
        "id": watched.id,
        "name": watched.name,
        "measure": watched.measure,
        "unit": watched.unit,
        "state": after.value,
        "before": before.value,
        "value": reading.value,
        "count": reading.count,
        "warn_at": watched.warn_at,
        "alert_at": watched.alert_at,
        "summary": summary(watched, reading, note=note),
    }


def summary(watched: Watched, reading: Reading, *, note: str = "") -> str:
    """Return a reading with its limits in one sentence."""
    limits = f"warning from {watched.words(watched.warn_at)}, alert from {watched.words(watched.alert_at)}"
    value = watched.words(reading.value)
    return f"{watched.name}: {note or f'{value} ({limits})'}"
