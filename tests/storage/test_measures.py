"""Every measure of the dashboards, computed again from the raw rows of a made-up history in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from storage.traces.queries import TraceQueries
from storage.traces.store import TraceStore
from tests.storage.counted import (
    RANGE,
    TOKENS,
    Row,
    World,
    assert_percentiles,
    by,
    day,
    figures,
    is_answered,
    is_unpriced,
    quantile,
    spending,
)
from tests.storage.made_up import UNTIL, MadeUp
from triage.domain.measures import Percentiles, Spending
from triage.domain.traces import MeasureFilter, TimeRange

# Each worker would make up the history anew.
pytestmark = pytest.mark.xdist_group("measures")
DAY = timedelta(days=1)
FILTERS = {
    "everything": MeasureFilter(),
    "a model": MeasureFilter(models=("gpt-5.4",)),
    "agents": MeasureFilter(agents=("Billing specialist", "Orders specialist")),
    "a model of an agent": MeasureFilter(models=("gpt-5.4-mini",), agents=("Triage agent",)),
    "categories": MeasureFilter(categories=("billing", "other")),
    "a category and a model": MeasureFilter(categories=("technical",), models=("house-model",)),
    "nobody": MeasureFilter(customer="nobody@shop.example"),
}


@pytest.fixture(scope="module")
def history() -> MadeUp:
    return MadeUp(runs=2_500)


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory, history: MadeUp) -> Iterator[TraceQueries]:
    store = TraceStore.open(tmp_path_factory.mktemp("traces") / "traces.duckdb")
    history.write(store)
    yield TraceQueries(store)
    store.close()


@pytest.fixture(params=[*FILTERS, "a customer"])
def chosen(request: pytest.FixtureRequest, history: MadeUp) -> MeasureFilter:
    if request.param == "a customer":
        frequent = Counter(run["customer_email"] for run in history.runs).most_common(1)[0][0]
        return MeasureFilter(customer=f" {frequent.upper()}")
    return FILTERS[request.param]


@pytest.fixture
def world(history: MadeUp, chosen: MeasureFilter) -> World:
    return World(history, chosen)


def test_the_history_has_everything_that_is_counted(history: MadeUp) -> None:
    world = World(history, MeasureFilter())
    assert len(world.runs) > 1_000
    assert {run["status"] for run in history.runs} >= {"completed", "blocked", "failed", "cancelled"}
    assert any(is_unpriced(call) for call in world.calls)
    assert any(call["is_retry"] for call in world.calls)
    assert any(call["is_fallback"] for call in world.calls)
    paused = {row["trace_id"] for row in history.spans if row["is_paused"]}
    went_on = {row["trace_id"] for row in history.spans if row["tool"] == "process_refund" and not row["is_paused"]}
    assert paused & went_on, "Some paused calls have a second span."


def test_run_totals(queries: TraceQueries, world: World) -> None:
    found = queries.runs.totals(RANGE, world.chosen)
    status = Counter(run["status"] for run in world.runs)
    assert found.runs == len(world.runs)
    for name in ("queued", "running", "awaiting_approval", "completed", "blocked", "failed", "cancelled"):
        assert getattr(found, name) == status[name], name
    assert found.degraded == sum(run["degraded"] for run in world.runs)
    assert found.conversations == len({run["conversation_id"] for run in world.runs})
    assert found.turns == sum(run["turns"] for run in world.runs)
    assert found.trip_rate == (status["blocked"] / len(world.runs) if world.runs else None)


def test_runs_by_status_category_and_day(queries: TraceQueries, world: World) -> None:
    counted = Counter((run["status"], run["category"]) for run in world.runs)
    found = queries.runs.by_status_and_category(RANGE, world.chosen)
    assert {(row.status, row.category): row.runs for row in found} == counted

    days = by(world.runs, lambda run: day(run["created_at"]))
    buckets = queries.runs.over_time(RANGE, world.chosen, step=DAY)
    assert [bucket.at for bucket in buckets] == [day(RANGE.start) + DAY * number for number in range(20)]
    for bucket in buckets:
        status = Counter(run["status"] for run in days.get(bucket.at, []))
        assert bucket.runs == sum(status.values())
        for name in ("completed", "blocked", "failed", "cancelled"):
            assert getattr(bucket, name) == status[name]
        assert bucket.waiting == status["awaiting_approval"]


def test_turns_per_conversation(queries: TraceQueries, world: World) -> None:
    found = queries.runs.conversation_turns(RANGE, world.chosen)
    conversations = by(world.runs, lambda run: run["conversation_id"])
    turns = [sum(run["turns"] for run in runs) for runs in conversations.values()]
    assert (found.conversations, found.runs, found.turns) == (len(turns), len(world.runs), sum(turns))
    assert found.longest == max(turns, default=0)
    assert found.p50 == quantile(turns, 0.5)
    assert found.p95 == pytest.approx(quantile(turns, 0.95))

    days = by(world.runs, lambda run: day(run["created_at"]))
    for bucket in queries.runs.turns_over_time(RANGE, world.chosen, step=DAY):
        runs = days.get(bucket.at, [])
        assert bucket.conversations == len({run["conversation_id"] for run in runs})
        assert bucket.turns == sum(run["turns"] for run in runs)


def test_costs(queries: TraceQueries, world: World, history: MadeUp) -> None:
    names = spending([])
    assert figures(queries.costs.total(RANGE, world.chosen), names) == spending(world.calls)
    keys: dict[str, Callable[[Row], Any]] = {
        "by_model": lambda call: call["model"],
        "by_agent": lambda call: call["agent"],
        "by_category": lambda call: history.run_of[call["trace_id"]]["category"],
        "by_customer": lambda call: history.run_of[call["trace_id"]]["customer_email"],
    }
    for question, key in keys.items():
        limit = {"limit": None} if question == "by_customer" else {}
        found = getattr(queries.costs, question)(RANGE, world.chosen, **limit)
        expected = {name: spending(calls) for name, calls in by(world.calls, key).items()}
        assert {row.name: figures(row, names) for row in found} == expected, question
        assert [row.cost_usd for row in found] == sorted((row.cost_usd for row in found), reverse=True)

    days = by(world.calls, lambda call: (day(call["started_at"]), call["model"]))
    expected = {key: spending(calls) for key, calls in days.items()}
    found = queries.costs.over_time(RANGE, world.chosen, step=DAY)
    assert {(row.at, row.name): figures(row, names) for row in found} == expected


def test_the_customers_that_cost_most_come_first(queries: TraceQueries) -> None:
    everybody = queries.costs.by_customer(RANGE, limit=None)
    assert queries.costs.by_customer(RANGE, limit=5) == everybody[:5]


def test_what_is_asked_together_is_what_is_asked_alone(queries: TraceQueries, world: World) -> None:
    asked, costs, handoffs = (RANGE, world.chosen), queries.costs, queries.handoffs
    assert costs.by_model_and_agent(*asked) == (costs.by_model(*asked), costs.by_agent(*asked))
    assert costs.by_category_and_customer(*asked) == (costs.by_category(*asked), costs.by_customer(*asked))
    assert Spending.total_of(costs.over_time(*asked, step=DAY)) == costs.total(*asked)
    course = handoffs.course(*asked, step=DAY)
    assert course.totals == handoffs.totals(*asked)
    assert (course.paths, course.by_time) == (handoffs.paths(*asked), handoffs.over_time(*asked, step=DAY))


def test_calls_add_up_to_what_the_runs_say(queries: TraceQueries, history: MadeUp) -> None:
    everything = TimeRange(start=UNTIL - timedelta(days=40), end=UNTIL + timedelta(days=40))
    found = queries.costs.total(everything)
    assert found.cost_usd == sum(run["cost_usd"] for run in history.runs)
    assert found.unpriced_calls == sum(run["unpriced_calls"] for run in history.runs)
    assert found.calls - found.failed_calls == sum(run["requests"] for run in history.runs)
    for name in TOKENS:
        assert getattr(found, name) == sum(run[name] for run in history.runs)


def test_times(queries: TraceQueries, world: World) -> None:
    def completion(runs: list[Row]) -> list[float]:
        return [run["active_ms"] for run in runs if run["ended_at"] and run["status"] != "cancelled"]

    def first_event(runs: list[Row]) -> list[float]:
        times = [(run["first_event_at"], run["created_at"]) for run in runs if run["first_event_at"]]
        return [(first - created) / timedelta(milliseconds=1) for first, created in times]

    found = queries.times.totals(RANGE, world.chosen)
    assert_percentiles(found.completion, completion(world.runs))
    assert_percentiles(found.first_event, first_event(world.runs))
    days = by(world.runs, lambda run: day(run["created_at"]))
    for bucket in queries.times.over_time(RANGE, world.chosen, step=DAY):
        assert_percentiles(bucket.completion, completion(days.get(bucket.at, [])))
        assert_percentiles(bucket.first_event, first_event(days.get(bucket.at, [])))


def test_tools(queries: TraceQueries, world: World) -> None:
    tools = by(world.events("tool"), lambda row: row["tool"])
    found = queries.tools.use(RANGE, world.chosen)
    assert {row.tool for row in found} == set(tools)
    for row in found:
        done = [call for call in tools[row.tool] if not call["is_paused"]]
        assert row.calls == len(done)
        assert row.paused == len(tools[row.tool]) - len(done)
        assert row.errors == sum(call["error"] is not None for call in done)
        assert_percentiles(row.times, [call["duration_ms"] for call in done])

    failed = [row for row in world.events("tool") if row["error"] is not None]
    counted = Counter((row["tool"], row["error_kind"]) for row in failed)
    assert {(row.tool, row.error_kind): row.errors for row in queries.tools.errors(RANGE, world.chosen)} == counted


OUTCOMES = ("bounced", "waiting", "rerouted", "unfinished", "successful")


def outcome_of(handoff: Row, history: MadeUp) -> str:
    """The written definition, word by word."""
    for later in history.spans:
        is_later = later["trace_id"] == handoff["trace_id"] and later["started_at"] > handoff["started_at"]
        if later["kind"] == "handoff" and is_later and later["to_agent"] == handoff["from_agent"]:
            return "bounced"
    run = history.run_of[handoff["trace_id"]]
    if run["status"] in ("queued", "running", "awaiting_approval"):
        return "waiting"
    if run["is_rerouted"]:
        return "rerouted"
    return "successful" if run["status"] == "completed" else "unfinished"


@pytest.fixture(scope="module")
def outcomes(history: MadeUp) -> dict[str, str]:
    spans = by((row for row in history.spans if row["kind"] == "handoff"), lambda row: row["trace_id"])
    few = MadeUp.__new__(MadeUp)
    few.run_of = history.run_of
    found = {}
    for handoffs in spans.values():
        few.spans = handoffs
        found |= {row["span_id"]: outcome_of(row, few) for row in handoffs}
    assert set(found.values()) == set(OUTCOMES)
    return found


def test_handoffs(queries: TraceQueries, world: World, outcomes: dict[str, str]) -> None:
    def counts(rows: list[Row]) -> Row:
        found = Counter(outcomes[row["span_id"]] for row in rows)
        return {"handoffs": len(rows), **{name: found[name] for name in OUTCOMES}}

    handoffs = world.events("handoff")
    names = counts([])
    total = queries.handoffs.totals(RANGE, world.chosen)
    assert figures(total, names) == counts(handoffs)
    judged = total.handoffs - total.waiting
    assert total.success_rate == (total.successful / judged if judged else None)
    paths = by(handoffs, lambda row: (row["from_agent"], row["to_agent"]))
    found = queries.handoffs.paths(RANGE, world.chosen)
    assert {(row.from_agent, row.to_agent): figures(row, names) for row in found} == {
        path: counts(rows) for path, rows in paths.items()
    }
    days = by(handoffs, lambda row: day(row["started_at"]))
    for bucket in queries.handoffs.over_time(RANGE, world.chosen, step=DAY):
        assert figures(bucket, names) == counts(days.get(bucket.at, []))


def test_guardrails(queries: TraceQueries, world: World) -> None:
    checks = by(world.events("guardrail"), lambda row: row["guardrail"])
    found = queries.guardrails.use(RANGE, world.chosen)
    assert {row.guardrail for row in found} == set(checks)
    without_agents = World(
        world.history,
        MeasureFilter(models=world.chosen.models, categories=world.chosen.categories, customer=world.chosen.customer),
    )
    for row in found:
        rows = checks[row.guardrail]
        assert (row.checks, row.trips) == (len(rows), sum(check["triggered"] for check in rows))
        assert row.total_ms == pytest.approx(sum(check["duration_ms"] for check in rows))
        assert_percentiles(row.times, [check["duration_ms"] for check in rows])
        calls = [call for call in without_agents.events("model") if call["guardrail"] == row.guardrail]
        assert (row.calls, row.unpriced_calls) == (len(calls), sum(map(is_unpriced, calls)))
        assert row.cost_usd == sum((call["cost_usd"] or 0 for call in calls), Decimal(0))


def test_trips(queries: TraceQueries, world: World, history: MadeUp) -> None:
    trips = [row for row in world.events("guardrail") if row["triggered"]]
    kinds = Counter((row["guardrail"], row["stage"], row["verdict"]) for row in trips)
    found = queries.guardrails.trips(RANGE, world.chosen)
    assert {(row.guardrail, row.stage, row.verdict): row.trips for row in found} == kinds
    days = Counter((day(row["started_at"]), row["guardrail"], row["verdict"]) for row in trips)
    over_time = queries.guardrails.trips_over_time(RANGE, world.chosen, step=DAY)
    assert {(row.at, row.guardrail, row.verdict): row.trips for row in over_time} == days

    first = queries.guardrails.list_trips(RANGE, world.chosen, limit=10)
    rest = queries.guardrails.list_trips(RANGE, world.chosen, limit=1_000, offset=10)
    assert first.total == rest.total == len(trips)
    newest = sorted(trips, key=lambda row: row["started_at"], reverse=True)
    assert [row.span_id for row in first.rows + rest.rows] == [row["span_id"] for row in newest]
    for row, trip in zip(first.rows, newest, strict=False):
        run = history.run_of[trip["trace_id"]]
        assert (row.run_id, row.excerpt, row.verdict) == (run["run_id"], run["excerpt"], trip["verdict"])
        assert row.reason is not None
        assert row.reason in trip["content"]


def test_retries_and_fallbacks(queries: TraceQueries, world: World) -> None:
    models = by(world.calls, lambda call: call["asked_model"])
    found = queries.reliability.by_model(RANGE, world.chosen)
    assert {row.model for row in found} == set(models)
    for row in found:
        calls = models[row.model]
        assert row.calls == len(calls)
        assert row.failed_calls == sum(not is_answered(call) for call in calls)
        assert row.retries == sum(bool(call["is_retry"]) for call in calls)
        assert row.fallbacks == sum(bool(call["is_fallback"]) for call in calls)
        assert_percentiles(row.times, [call["duration_ms"] for call in calls if is_answered(call)])
    days = by(world.calls, lambda call: day(call["started_at"]))
    for bucket in queries.reliability.over_time(RANGE, world.chosen, step=DAY):
        calls = days.get(bucket.at, [])
        assert (bucket.calls, bucket.retries) == (len(calls), sum(bool(call["is_retry"]) for call in calls))
        assert bucket.fallbacks == sum(bool(call["is_fallback"]) for call in calls)


def test_the_period_before(queries: TraceQueries, history: MadeUp) -> None:
    before = [run for run in history.runs if RANGE.previous.start <= run["created_at"] < RANGE.start]
    assert queries.runs.totals(RANGE.previous).runs == len(before) > 100


def test_nothing_is_none_and_not_zero(queries: TraceQueries) -> None:
    long_ago = TimeRange(start=UNTIL - timedelta(days=900), end=UNTIL - timedelta(days=890))
    assert queries.runs.totals(long_ago).trip_rate is None
    assert queries.times.totals(long_ago).completion == Percentiles()
    assert queries.handoffs.totals(long_ago).success_rate is None
    assert queries.costs.total(long_ago).cached_share is None
    assert queries.tools.use(long_ago) == queries.guardrails.use(long_ago) == []


def test_the_end_of_a_range_is_not_in_it(queries: TraceQueries, history: MadeUp) -> None:
    at = history.runs[0]["created_at"]
    blink = timedelta(microseconds=1)
    assert queries.runs.totals(TimeRange(start=at - blink, end=at)).runs == 0
    assert queries.runs.totals(TimeRange(start=at, end=at + blink)).runs == 1


def test_choices(queries: TraceQueries, history: MadeUp) -> None:
    choices = queries.choices()
    assert set(choices.models) == {call["model"] for call in history.calls}
    assert choices.agents == sorted({row["agent"] for row in history.spans if row.get("agent")})
    assert choices.tools == sorted({row["tool"] for row in history.spans if row.get("tool")})
    assert choices.guardrails == sorted({row["guardrail"] for row in history.spans if row.get("guardrail")})
