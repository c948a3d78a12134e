"""Each figure of the dashboards, computed again in plain Python from the same history."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from storage.traces import analytics, series
from storage.traces.analytics import GuardrailTrips
from storage.traces.queries import TraceQueries
from storage.traces.store import TraceStore
from tests.storage.traces_history import START, History
from triage.domain.traces import TimeRange

RANGE = TimeRange(start=START + timedelta(days=1, hours=3), end=START + timedelta(days=4, hours=11))


@pytest.fixture(scope="module")
def history() -> History:
    return History(runs=800)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, history: History) -> Iterator[TraceStore]:
    store = TraceStore.open(tmp_path_factory.mktemp("traces") / "traces.duckdb")
    history.write(store)
    yield store
    store.close()


def _runs(history: History, time_range: TimeRange = RANGE) -> list[dict[str, Any]]:
    return [run for run in history.runs if time_range.start <= run["created_at"] < time_range.end]


def _calls(history: History) -> list[dict[str, Any]]:
    calls = [span for span in history.spans if span.get("is_model_call")]
    return [span for span in calls if RANGE.start <= datetime.fromisoformat(span["started_at"]) < RANGE.end]


def _percentile(values: list[int], share: float) -> float:
    """The value at that share, in between the two nearest."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _active(runs: list[dict[str, Any]]) -> list[int]:
    return [run["active_ms"] for run in runs if run["ended_at"] and run["status"] != "cancelled"]


@pytest.mark.parametrize("time_range", [RANGE, RANGE.previous])
def test_totals(store: TraceStore, history: History, time_range: TimeRange) -> None:
    found = analytics.totals(store, time_range)

    runs = _runs(history, time_range)
    status = Counter(run["status"] for run in runs)
    assert found.runs == len(runs) > 50
    for name in ("completed", "blocked", "failed", "cancelled", "awaiting_approval"):
        assert getattr(found, name) == status[name]
    for name in ("cost_usd", "unpriced_calls", "input_tokens", "cached_tokens", "output_tokens", "turns", "degraded"):
        assert getattr(found, name) == sum(run[name] for run in runs), name
    assert isinstance(found.cost_usd, Decimal)
    assert found.p50_ms == pytest.approx(statistics.median(_active(runs)))
    assert found.p95_ms == pytest.approx(_percentile(_active(runs), 0.95))
    assert found.trip_rate == status["blocked"] / len(runs)


def test_totals_of_nothing(store: TraceStore) -> None:
    long_ago = TimeRange(start=START - timedelta(days=9), end=START - timedelta(days=8))
    found = analytics.totals(store, long_ago)

    assert (found.runs, found.cost_usd, found.p50_ms, found.trip_rate) == (0, Decimal(0), None, None)


def test_the_end_of_a_range_is_not_in_it(store: TraceStore, history: History) -> None:
    run = history.runs[0]
    at = run["created_at"]
    before = analytics.totals(store, TimeRange(start=at - timedelta(microseconds=1), end=at)).runs
    after = analytics.totals(store, TimeRange(start=at, end=at + timedelta(microseconds=1))).runs
    assert (before, after) == (0, 1)


def test_runs_by_status_and_category(store: TraceStore, history: History) -> None:
    counted = Counter((run["status"], run["category"]) for run in _runs(history))
    found = series.runs_by_status_and_category(store, RANGE)
    assert {(row.status, row.category): row.runs for row in found} == counted


def test_trips_by_guardrail(store: TraceStore, history: History) -> None:
    counted = Counter(
        (run["trip_guardrail"], run["trip_stage"], run["trip_verdict"])
        for run in _runs(history)
        if run["trip_guardrail"]
    )
    found = analytics.trips_by_guardrail(store, RANGE)
    assert {(trip.guardrail, trip.stage, trip.verdict): trip.trips for trip in found} == counted
    assert [trip.trips for trip in found] == sorted((trip.trips for trip in found), reverse=True)
    assert isinstance(found[0], GuardrailTrips)


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def test_model_calls_by_day(store: TraceStore, history: History) -> None:
    expected: dict[Any, list[Any]] = defaultdict(lambda: [0, Decimal(0), 0, 0])
    for call in _calls(history):
        entry = expected[(_day(datetime.fromisoformat(call["started_at"])), call["model"])]
        is_unpriced = call["cost_usd"] is None and "error" not in call
        tokens = call.get("input_tokens", 0) + call.get("output_tokens", 0)
        for place, more in enumerate((1, call["cost_usd"] or 0, is_unpriced, tokens)):
            entry[place] += more

    found = {
        (row.at, row.model): [row.calls, row.cost_usd, row.unpriced_calls, row.tokens]
        for row in series.model_series(store, RANGE, step=timedelta(days=1))
    }
    assert found == expected
    for model in ("gpt-5.4", "house-model"):
        calls, _, unpriced, _ = (sum(figures) for figures in zip(*_of_model(found, model), strict=True))
        assert 0 < unpriced < calls, "Calls without a token count are unpriced, failed ones are not."


def _of_model(found: dict[Any, list[Any]], model: str) -> list[list[Any]]:
    return [figures for (_, name), figures in found.items() if name == model]


def test_runs_by_day(store: TraceStore, history: History) -> None:
    days = defaultdict(list)
    for run in _runs(history):
        days[_day(run["created_at"])].append(run)

    found = series.run_series(store, RANGE, step=timedelta(days=1))
    assert [row.at for row in found] == sorted(days)
    for row in found:
        runs = days[row.at]
        assert (row.runs, row.cost_usd) == (len(runs), sum(run["cost_usd"] for run in runs))
        assert row.p50_ms == pytest.approx(_percentile(_active(runs), 0.5))
        assert row.p95_ms == pytest.approx(_percentile(_active(runs), 0.95))


def test_choices(store: TraceStore) -> None:
    choices = TraceQueries(store).choices()
    assert sorted(choices.models) == ["gpt-5.4", "gpt-5.4-nano", "house-model"]
    assert choices.agents == ["Triage agent"]
    assert choices.tools == ["find_orders"]
    assert choices.guardrails == ["Input check"]
