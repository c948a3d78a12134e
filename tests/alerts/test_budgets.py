"""Budgets: what is counted, when new runs are refused, and what is never refused."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storage.records import Records, open_engine
from tests.alerts.conftest import MANAGER
from tests.statements import asked_of
from triage.alerts.budgets import bounds, checked_budget, judge_budget, refusal, usd
from triage.alerts.service import AlertService
from triage.domain import Actor, AlertState, Budget, BudgetPeriod, RunFilter, Spent, utc_now
from triage.errors import BudgetReached, InvalidInput
from triage.runs.queue import ElsewhereQueue
from triage.runs.service import RunService

DAY, WEEK, MONTH = BudgetPeriod.DAY, BudgetPeriod.WEEK, BudgetPeriod.MONTH
OLGA = Actor(name="olga")


@pytest.fixture
def runs(records: Records) -> RunService:
    return RunService(records=records, queue=ElsewhereQueue(), event_log=None, stop=lambda _: None)


@pytest.fixture
def budgets(records: Records) -> AlertService:
    """Alerts by the real clock, which runs are made by too."""
    return AlertService(records=records)


def limit(budgets: AlertService, usd: str, period: BudgetPeriod = DAY, **changes: object) -> Budget:
    kept = next(standing.budget for standing in budgets.budgets() if standing.budget.period is period)
    changed = kept.model_copy(update={"limit_usd": Decimal(usd), "is_on": True, **changes})
    return budgets.set_budget(changed, actor=MANAGER)


def spend(records: Records, usd: str, *, unpriced: int = 0) -> None:
    with records.begin() as tx:
        tx.spending.add(utc_now().date(), cost_usd=Decimal(usd), unpriced_calls=unpriced)


@pytest.mark.parametrize(
    ("period", "at", "start", "end"),
    [
        (DAY, "2026-03-04T12:30", "2026-03-04", "2026-03-05"),
        (DAY, "2026-12-31T23:59", "2026-12-31", "2027-01-01"),
        (WEEK, "2026-03-04T12:30", "2026-03-02", "2026-03-09"),
        (WEEK, "2026-03-02T00:00", "2026-03-02", "2026-03-09"),
        (WEEK, "2026-03-01T23:59", "2026-02-23", "2026-03-02"),
        (MONTH, "2026-02-28T12:00", "2026-02-01", "2026-03-01"),
        (MONTH, "2026-12-01T00:00", "2026-12-01", "2027-01-01"),
    ],
)
def test_a_period_has_its_bounds(period: BudgetPeriod, at: str, start: str, end: str) -> None:
    found = bounds(period, datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert [bound.date().isoformat() for bound in found] == [start, end]


@given(at=some.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=some.just(UTC)))  # noqa: DTZ001 - hypothesis wants them bare
def test_periods_follow_each_other_without_a_gap(at: datetime) -> None:
    for period in BudgetPeriod:
        start, end = bounds(period, at)
        assert start <= at < end
        assert bounds(period, end)[0] == end
        assert bounds(period, end - timedelta(microseconds=1)) == (start, end)


@given(spent=some.decimals(0, 20, places=9), share=some.floats(0.01, 1.0))
def test_a_budget_is_judged_by_what_was_spent(spent: Decimal, share: float) -> None:
    budget = Budget(period=DAY, limit_usd=Decimal(10), warn_share=share, is_on=True)
    state = judge_budget(budget, Spent(cost_usd=spent))
    if spent >= 10:
        assert state is AlertState.ALERT
    else:
        assert state is (AlertState.WARNING if spent / 10 >= Decimal(str(share)) else AlertState.OK)


def test_the_refusal_says_which_budget_how_much_until_when_and_who_can_change_it() -> None:
    at = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    spent = Spent(cost_usd=Decimal("5.126"), unpriced_calls=2)
    day, month = (Budget(period=period, limit_usd=Decimal(5), is_on=True) for period in (DAY, MONTH))
    assert refusal([(day, spent)], at=at) == (
        "The budget of this day is used up: $5.13 of $5.00 spent, and 2 calls without a known price. No new run is "
        "taken until 5 Mar 2026 00:00 UTC; what has begun goes on. A manager or administrator can change the budget "
        "on the Alerts page."
    )
    assert "until 1 Apr 2026 00:00 UTC" in refusal([(day, spent), (month, spent)], at=at)
    assert [usd(Decimal(text)) for text in ("0", "0.0012345", "1234.5")] == ["$0.00", "$0.001234", "$1,234.50"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"is_on": True}, "Write the limit"),
        ({"limit_usd": Decimal(0)}, "above 0"),
        ({"limit_usd": Decimal("NaN")}, "above 0"),
        ({"limit_usd": Decimal("1e12")}, "at most"),
        ({"limit_usd": Decimal(5), "warn_share": 0.0}, "share of the limit"),
        ({"limit_usd": Decimal(5), "warn_share": 1.2}, "share of the limit"),
    ],
)
def test_a_wrong_budget_is_refused_with_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        checked_budget(Budget(period=DAY).model_copy(update=changes))


def test_what_is_spent_adds_up_exactly_and_is_there_after_a_restart(records: Records, budgets: AlertService) -> None:
    for _ in range(10):
        spend(records, "0.000000001", unpriced=1)
    spend(records, "3")
    again = Records(open_engine(str(records.engine.url)))
    found = {standing.budget.period: standing.spent for standing in AlertService(records=again).budgets()}
    again.close()
    assert found == dict.fromkeys(BudgetPeriod, Spent(cost_usd=Decimal("3.00000001"), unpriced_calls=10))


def test_new_runs_are_refused_and_nothing_of_them_is_kept(
    runs: RunService, budgets: AlertService, records: Records
) -> None:
    limit(budgets, "1.00")
    first = runs.submit("Where is my invoice?", actor=OLGA, idempotency_key="one")
    spend(records, "1.00")
    with pytest.raises(BudgetReached, match="budget of this day is used up"):
        runs.submit("And where is my order?", actor=OLGA, conversation_id="conv_new")
    assert runs.submit("Where is my invoice?", actor=OLGA, idempotency_key="one").id == first.id
    assert runs.counts(RunFilter())["all"] == 1
    with records.read() as tx:
        assert tx.conversations.find("conv_new") is None


def test_raising_the_budget_or_switching_it_off_lets_runs_in_again(
    runs: RunService, budgets: AlertService, records: Records
) -> None:
    limit(budgets, "1.00", MONTH)
    spend(records, "1.20")
    with pytest.raises(BudgetReached, match="budget of this month"):
        runs.submit("Hello", actor=OLGA)
    limit(budgets, "1.21", MONTH)
    runs.submit("Hello", actor=OLGA)
    spend(records, "0.01")
    with pytest.raises(BudgetReached):
        runs.submit("Hello", actor=OLGA)
    limit(budgets, "1.21", MONTH, is_on=False)
    runs.submit("Hello", actor=OLGA)


def test_what_was_spent_before_the_period_does_not_count(
    runs: RunService, budgets: AlertService, records: Records
) -> None:
    limit(budgets, "1.00")
    with records.begin() as tx:
        tx.spending.add(utc_now().date() - timedelta(days=1), cost_usd=Decimal(5), unpriced_calls=0)
    runs.submit("Hello", actor=OLGA)


def test_run_again_is_a_new_run_and_the_old_one_stays_as_it_is(
    runs: RunService, budgets: AlertService, records: Records
) -> None:
    limit(budgets, "1.00")
    run = runs.submit("Hello", actor=OLGA)
    runs.cancel(run.id, actor=OLGA)
    spend(records, "1.00")
    with pytest.raises(BudgetReached):
        runs.retry(run.id, actor=OLGA)
    assert runs.counts(RunFilter())["all"] == 1


def test_many_submits_at_once_go_above_the_limit_by_those_at_work_only(
    runs: RunService, budgets: AlertService, records: Records
) -> None:
    """Each desk submits, and its run costs a dollar when it ends, until it is refused."""
    desks, dollars = 8, 20
    limit(budgets, f"{dollars}.00")
    start = threading.Barrier(desks)
    accepted: list[str] = []
    other: list[BaseException] = []

    def work() -> None:
        try:
            start.wait(timeout=30)
            while True:
                accepted.append(runs.submit("Hello", actor=OLGA).id)
                spend(records, "1.00")
        except BudgetReached:
            return
        except BaseException as error:  # noqa: BLE001 - told below
            other.append(error)

    threads = [threading.Thread(target=work) for _ in range(desks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert other == []
    assert dollars <= len(accepted) <= dollars + desks - 1
    assert len(accepted) == runs.counts(RunFilter())["all"]
    (day, *_) = budgets.budgets()
    assert day.spent.cost_usd == len(accepted)


def test_a_submit_asks_little(runs: RunService, budgets: AlertService, records: Records) -> None:
    """However many runs there are, the question reads the budgets and the days of the period and no run."""
    for period in BudgetPeriod:
        limit(budgets, "100.00", period)
    with asked_of(records) as asked:
        runs.submit("Hello", actor=OLGA)
    about = [statement for statement in asked if "budgets" in statement or "spending" in statement]
    assert len(about) == 1 + len(BudgetPeriod)
    assert not any("runs" in statement for statement in about)
