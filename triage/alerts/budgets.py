"""Budgets: what may be spent in a day, week or month, and the refusal of new runs once it is spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from triage.domain import AlertState, Budget, BudgetPeriod, Spent
from triage.errors import BudgetReached, InvalidInput
from triage.gateway import Stores

MOST_USD = Decimal(1_000_000_000)
_CENT = Decimal("0.01")


def bounds(period: BudgetPeriod, at: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of the period that a time is in; days are UTC, weeks begin on Monday."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if period is BudgetPeriod.DAY:
        return day, day + timedelta(days=1)
    if period is BudgetPeriod.WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def spent_in(tx: Stores, period: BudgetPeriod, at: datetime) -> Spent:
    """Return what was spent in the period that a time is in."""
    start, end = bounds(period, at)
    return tx.spending.between(start.date(), end.date())


def judge_budget(budget: Budget, spent: Spent) -> AlertState:
    """Return the state of a budget that is on."""
    if budget.limit_usd is None or spent.cost_usd >= budget.limit_usd:
        return AlertState.ALERT if budget.limit_usd is not None else AlertState.NO_DATA
    share = spent.cost_usd / budget.limit_usd
    return AlertState.WARNING if share >= Decimal(str(budget.warn_share)) else AlertState.OK


def require_budget(tx: Stores, *, at: datetime) -> None:
    """Refuse a new run once a budget is spent; asked in the transaction that makes the run.

    It costs one small query, and one sum of at most 31 rows for each budget that is on. What is at work is not counted
    before its segment ends, so the runs that were taken before can bring the sum above the limit, and only they.

    Raises:
        BudgetReached: says which budget, what was spent, until when, and who can change it.
    """
    reached = [
        (budget, spent)
        for budget in tx.budgets.list_on()
        if judge_budget(budget, spent := spent_in(tx, budget.period, at)) is AlertState.ALERT
    ]
    if reached:
        raise BudgetReached(refusal(reached, at=at))


def refusal(reached: Sequence[tuple[Budget, Spent]], *, at: datetime) -> str:
    """Return the sentence that refuses a new run, about the budget that lasts longest."""
    budget, spent = max(reached, key=lambda pair: bounds(pair[0].period, at)[1])
    end = bounds(budget.period, at)[1]
    unpriced = ""
    if spent.unpriced_calls:
        calls = "1 call" if spent.unpriced_calls == 1 else f"{spent.unpriced_calls:,} calls"
        unpriced = f", and {calls} without a known price"
    return (
        f"The budget of this {budget.period.value} is used up: {usd(spent.cost_usd)} of {usd(budget.limit_usd)} spent"
        f"{unpriced}. No new run is taken until {end.day} {end:%b %Y %H:%M} UTC; what has begun goes on. "
        "A manager or administrator can change the budget on the Alerts page."
    )


def usd(amount: Decimal | None) -> str:
    """Return US dollars for a sentence; below a cent with the digits that count."""
    if amount is None:
        return "no limit"
    if amount == 0 or amount >= _CENT:
        return f"${amount:,.2f}"
    return f"${amount:.{3 - amount.adjusted()}f}".rstrip("0")


def checked_budget(budget: Budget) -> Budget:
    """Return the budget as it can be kept.

    Raises:
        InvalidInput: something in it cannot be used; the sentence says what to write.
    """
    if budget.is_on and budget.limit_usd is None:
        raise InvalidInput("Write the limit in US dollars before you switch the budget on.")
    if budget.limit_usd is not None and not (budget.limit_usd.is_finite() and 0 < budget.limit_usd <= MOST_USD):
        raise InvalidInput(f"The limit is above 0 and at most {usd(MOST_USD)}; switch the budget off to have none.")
    if not 0 < budget.warn_share <= 1:
        raise InvalidInput("The warning begins at a share of the limit above 0 % and at most 100 %.")
    return budget
