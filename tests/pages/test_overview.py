from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pages.components import charts, numbers
from storage.traces.queries import TraceQueries
from storage.traces.series import ModelBucket, RunBucket, StatusCategory
from storage.traces.store import TraceStore
from triage.domain import Actor, Run
from triage.services import Services

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> TraceStore:
    return TraceStore.open(tmp_path / "traces.duckdb")


def run_row(number: int, *, at: datetime, **columns: Any) -> dict[str, Any]:
    return {
        "run_id": f"run_{number}",
        "trace_id": f"trace_{number}",
        "status": "completed",
        "active_ms": 1000,
        "cost_usd": "0.5",
        "degraded": False,
        "created_at": at,
        "updated_at": at,
        "ended_at": at,
        **columns,
    }


def call_line(number: int, *, at: datetime, model: str) -> bytes:
    row = {
        "trace_id": f"trace_{number}",
        "span_id": f"span_{number}",
        "kind": "model",
        "name": model,
        "model": model,
        "is_model_call": True,
        "started_at": at.isoformat(),
        "ended_at": at.isoformat(),
        "input_tokens": 100,
        "output_tokens": 10,
    }
    return json.dumps(row).encode() + b"\n"


def price(calls: list[dict[str, Any]]) -> None:
    """Price the calls of the model "large" and no others."""
    for call in calls:
        if call["model"] == "large":
            call["cost_usd"] = Decimal("0.25")


def test_quiet_days_are_buckets_too_and_a_day_is_a_day_in_utc(store: TraceStore) -> None:
    rows = [
        run_row(1, at=NOON - 3 * DAY, active_ms=1000),
        run_row(2, at=datetime(2026, 3, 9, 23, 59, tzinfo=UTC), active_ms=3000, status="blocked"),
        run_row(3, at=datetime(2026, 3, 10, 0, 1, tzinfo=UTC), status="failed", active_ms=9000),
        run_row(4, at=NOON - 40 * DAY),
    ]
    store.insert_batch(runs=rows, price=price, segment="s", offset=1)
    overview = TraceQueries(store).overview(length=4 * DAY, until=NOON, step=DAY)
    assert [bucket.at.date().day for bucket in overview.runs] == [6, 7, 8, 9, 10]
    assert [bucket.runs for bucket in overview.runs] == [0, 1, 0, 1, 1]
    assert [bucket.trips for bucket in overview.runs] == [0, 0, 0, 1, 0]
    assert [bucket.failed for bucket in overview.runs] == [0, 0, 0, 0, 1]
    assert [bucket.p95_ms for bucket in overview.runs] == [None, 1000, None, 3000, 9000]
    assert overview.totals.runs == 3
    assert overview.before.runs == 0


def test_a_call_without_a_price_is_counted_and_costs_nothing(store: TraceStore) -> None:
    calls = [
        call_line(1, at=NOON - timedelta(minutes=9), model="large"),
        call_line(2, at=NOON - timedelta(minutes=8), model="house"),
    ]
    store.insert_batch(span_lines=calls, price=price, segment="s", offset=1)
    overview = TraceQueries(store).overview(length=timedelta(hours=1), until=NOON, step=timedelta(minutes=5))
    assert [(b.model, b.cost_usd, b.unpriced_calls, b.tokens) for b in overview.models] == [
        ("house", Decimal(0), 1, 110),
        ("large", Decimal("0.25"), 0, 110),
    ]
    assert overview.known_models == ["large", "house"]


def test_a_model_keeps_its_colour_when_others_come() -> None:
    few = charts.model_colours(["a", "b"])
    many = charts.model_colours(["a", "b", "c", "d", "e", "f", "g"])
    assert all(many[name] == colour for name, colour in few.items())
    assert len(set(many.values())) == 6
    assert many["f"] == many["g"] == charts.PALETTE[-1]


def test_models_beyond_the_sixth_are_added_up() -> None:
    names = [f"m{number}" for number in range(8)]
    buckets = [
        ModelBucket(at=NOON, model=name, calls=2, cost_usd=Decimal("0.1"), unpriced_calls=0, tokens=5) for name in names
    ]
    figure = charts.model_figure(buckets, known_models=names, measure="calls", starts=[NOON], step=DAY)
    heights = {trace.name: list(trace.y) for trace in figure.data}
    assert heights == {**{name: [2.0] for name in names[:5]}, charts.OTHER_MODELS: [6.0]}


def test_a_model_name_is_not_markup_in_a_chart() -> None:
    bucket = ModelBucket(at=NOON, model="<a href='x'>", calls=1, cost_usd=Decimal(1), unpriced_calls=0, tokens=1)
    figure = charts.model_figure([bucket], known_models=[bucket.model], measure="cost", starts=[NOON], step=DAY)
    assert figure.data[0].name == "&lt;a href='x'&gt;"


def test_a_day_without_runs_leaves_a_gap_in_the_time() -> None:
    buckets = [RunBucket(at=NOON, runs=1, p50_ms=500, p95_ms=900), RunBucket(at=NOON + DAY)]
    figure = charts.latency_figure(buckets, step=DAY)
    assert [list(line.y) for line in figure.data] == [[0.5, None], [0.9, None]]


def test_runs_without_a_category_are_said_to_have_none() -> None:
    outcomes = [
        StatusCategory(status="completed", category="billing", runs=3),
        StatusCategory(status="blocked", category=None, runs=1),
    ]
    figure = charts.outcome_figure(outcomes)
    assert {trace.name: (list(trace.y), list(trace.x)) for trace in figure.data} == {
        "Billing": (["Done"], [3]),
        charts.NO_CATEGORY: (["Blocked"], [1]),
    }


def test_a_file_of_figures_starts_no_formula() -> None:
    rows = [ModelBucket(at=NOON, model="=cmd()", calls=1, cost_usd=Decimal("0.1"), unpriced_calls=0, tokens=1)]
    assert charts.to_csv(rows) == (
        "at,model,calls,cost_usd,unpriced_calls,tokens\r\n2026-03-10T12:00:00+00:00,'=cmd(),1,0.1,0,1\r\n"
    )
    assert charts.to_csv([]) == ""


def test_a_change_is_said_only_where_there_was_something_before() -> None:
    assert numbers.trend_of_count(12, 10) == "+20 %"
    assert numbers.trend_of_count(12, 0) is None
    assert numbers.trend_of_share(0.031, 0.035) == "-0.4 pt"
    assert numbers.trend_of_share(0.03, None) is None
    assert numbers.trend_of_time(6200, 6500) == "-0.30 s"
    assert numbers.trend_of_time(6200, 6199) == 0
    assert numbers.share(None) == "none yet"


def test_without_runs_the_page_says_what_to_do(open_page: Callable[..., Any]) -> None:
    page = open_page("overview")
    assert not page.exception
    assert any("No runs in the last 7 d" in text.value for text in page.markdown)


def test_the_page_counts_a_run(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], operator: Actor
) -> None:
    settle(running.runs.submit("How do I add a seat to our plan?", actor=operator))
    page = open_page("overview", range="1 h")
    assert not page.exception
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Runs"] == "1"
    assert shown["Waiting now"] == "0"
    assert shown["Guardrail trips"] == "0.0 %"
