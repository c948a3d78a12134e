"""Each figure of the dashboards, computed again in plain Python from the same history."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from storage.traces import analytics
from storage.traces.store import TraceStore
from storage.traces.values import GuardrailTrips, TimeRange
from tests.storage.traces_history import START, History

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


def test_runs_by_status(store: TraceStore, history: History) -> None:
    assert analytics.runs_by_status(store, RANGE) == Counter(run["status"] for run in _runs(history))


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


def test_guardrail_checks(store: TraceStore, history: History) -> None:
    checks = [span for span in history.spans if span["kind"] == "guardrail"]
    checks = [span for span in checks if RANGE.start <= datetime.fromisoformat(span["started_at"]) < RANGE.end]
    (found,) = analytics.guardrail_checks(store, RANGE)
    assert (found.checks, found.triggered) == (len(checks), sum(span["triggered"] for span in checks))
    took = [datetime.fromisoformat(s["ended_at"]) - datetime.fromisoformat(s["started_at"]) for s in checks]
    assert found.p50_ms == pytest.approx(statistics.median(delta.total_seconds() * 1000 for delta in took))


def test_cost_by_model_and_day(store: TraceStore, history: History) -> None:
    expected: dict[Any, dict[str, Any]] = defaultdict(
        lambda: {"calls": 0, "cost": Decimal(0), "unpriced": 0, "tokens": 0}
    )
    for call in _calls(history):
        entry = expected[(datetime.fromisoformat(call["started_at"]).date(), call["model"])]
        entry["calls"] += 1
        entry["cost"] += call["cost_usd"] or 0
        entry["unpriced"] += "output_tokens" in call and call["cost_usd"] is None
        entry["tokens"] += call.get("input_tokens", 0) + call.get("cached_tokens", 0) + call.get("output_tokens", 0)

    found = {
        (row.day, row.model): {
            "calls": row.calls,
            "cost": row.cost_usd,
            "unpriced": row.unpriced_calls,
            "tokens": row.input_tokens + row.cached_tokens + row.output_tokens,
        }
        for row in analytics.cost_by_model_and_day(store, RANGE)
    }
    assert found == expected
    assert sum(entry["unpriced"] for (_, model), entry in found.items() if model == "house-model") > 0


def test_latency_by_day(store: TraceStore, history: History) -> None:
    days = defaultdict(list)
    for run in _runs(history):
        if run["ended_at"] and run["status"] != "cancelled":
            days[run["created_at"].date()].append(run["active_ms"])

    found = analytics.latency_by_day(store, RANGE)
    assert [row.day for row in found] == sorted(days)
    for row in found:
        assert row.runs == len(days[row.day])
        assert row.p50_ms == pytest.approx(_percentile(days[row.day], 0.5))
        assert row.p95_ms == pytest.approx(_percentile(days[row.day], 0.95))


def test_choices(store: TraceStore) -> None:
    assert analytics.list_models(store) == ["gpt-5.4", "gpt-5.4-nano", "house-model"]
    assert analytics.list_agents(store) == ["Triage agent"]
    assert analytics.list_tools(store) == ["find_orders"]
