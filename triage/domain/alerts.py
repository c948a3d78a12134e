"""Alerts: rules on the figures of the desk, budgets, the state that each is in, and how that changed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from triage.domain.base import Value


class AlertMeasure(StrEnum):
    """What a rule looks at."""

    TRIP_RATE = "trip_rate"
    HANDOFF_SUCCESS = "handoff_success"
    COMPLETION_P95 = "completion_p95"
    TURNS_P95 = "turns_p95"
    TURNS_GROWTH = "turns_growth"
    COST_TREND = "cost_trend"


class AlertState(StrEnum):
    """How a rule or budget stands; ``no_data`` is said where there is too little to judge by."""

    OK = "ok"
    WARNING = "warning"
    ALERT = "alert"
    NO_DATA = "no_data"


class AlertRule(Value):
    """One rule; it judges the ``window_hours`` that end now.

    Thresholds are in the unit of the measure: shares and growth from 0 to 1, seconds, turns. With fewer than ``least``
    things counted it says nothing. ``models``, ``agents`` and ``categories`` narrow what is counted. ``version`` is 0
    for a rule as it comes with the console.
    """

    id: str
    name: str
    measure: AlertMeasure
    window_hours: int
    warn_at: float
    alert_at: float
    least: int
    models: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    is_on: bool = True
    version: int = 0
    changed_by: str = ""
    changed_at: datetime | None = None


class BudgetPeriod(StrEnum):
    """What a budget is for: a day, a week from Monday on, or a month, each in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Budget(Value):
    """What may be spent in a period; ``version`` is 0 while nobody has set it."""

    period: BudgetPeriod
    limit_usd: Decimal | None = None
    warn_share: float = 0.8
    is_on: bool = False
    version: int = 0
    changed_by: str = ""
    changed_at: datetime | None = None

    @property
    def id(self) -> str:
        """What its state and history are kept under."""
        return f"budget_{self.period.value}"


class Spent(Value):
    """What the model calls of a time cost, and how many were answered and have no price."""

    cost_usd: Decimal = Decimal(0)
    unpriced_calls: int = 0


class Reading(Value):
    """What a measure was, over how many things (runs, handoffs, conversations); None where nothing can be said."""

    value: float | None
    count: int
    unpriced_calls: int = 0


class KeptState(Value):
    """The state of a rule or budget: since when, by what value, and the state that webhooks were last told."""

    id: str
    state: AlertState
    told: AlertState = AlertState.OK
    value: float | None = None
    count: int = 0
    since: datetime
    looked_at: datetime


class StateChange(Value):
    """One change of a state, with the value and the thresholds that made it; ``note`` says so where a person did."""

    number: int = 0
    id: str
    name: str
    before: AlertState
    after: AlertState
    value: float | None = None
    count: int = 0
    warn_at: float | None = None
    alert_at: float | None = None
    note: str = ""
    at: datetime


class RuleStanding(Value):
    """A rule and its state; None before the first look and while it is off."""

    rule: AlertRule
    state: KeptState | None = None


class BudgetStanding(Value):
    """A budget, its state, and what was spent in the period that runs from ``start`` to ``end``."""

    budget: Budget
    state: KeptState | None = None
    spent: Spent = Field(default_factory=Spent)
    start: datetime
    end: datetime


class PastPoint(Value):
    """What a rule would have said at a moment of the past."""

    at: datetime
    reading: Reading
    state: AlertState
