"""The list of traces with its filters, and a trace as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from storage.traces.listing import find_neighbours, find_row, list_traces
from storage.traces.measures.runs import RunMeasures
from storage.traces.one_trace import get_trace, in_tree_order
from storage.traces.store import TraceStore
from tests.storage.traces_history import START, History
from triage.domain.traces import TimeRange, TraceFilter, TraceNeighbours
from triage.errors import InvalidInput, NotFound


@pytest.fixture(scope="module")
def history() -> History:
    return History(runs=300, seed=2)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, history: History) -> Iterator[TraceStore]:
    store = TraceStore.open(tmp_path_factory.mktemp("traces") / "traces.duckdb")
    history.write(store)
    yield store
    store.close()


def _failed(history: History, words: str) -> set[str]:
    return {span["trace_id"] for span in history.spans if words in span.get("error", "")}


SECOND_DAY = TimeRange(start=START + timedelta(days=1), end=START + timedelta(days=2))
FILTERS: list[tuple[TraceFilter, Callable[[dict[str, Any], History], Any]]] = [
    (TraceFilter(), lambda run, history: True),
    (TraceFilter(statuses=("failed", "blocked")), lambda run, history: run["status"] in ("failed", "blocked")),
    (TraceFilter(agents=("Triage agent",)), lambda run, history: True),
    (TraceFilter(agents=("Nobody",)), lambda run, history: False),
    (
        TraceFilter(models=("house-model",)),
        lambda run, history: any(
            span.get("model") == "house-model" for span in history.spans if span["trace_id"] == run["trace_id"]
        ),
    ),
    (TraceFilter(min_cost_usd=Decimal("0.05")), lambda run, history: run["cost_usd"] >= Decimal("0.05")),
    (TraceFilter(min_active_ms=20_000), lambda run, history: run["active_ms"] >= 20_000),
    (
        TraceFilter(has_error=True),
        lambda run, history: run["failure_code"] or run["trace_id"] in _failed(history, "Error"),
    ),
    (
        TraceFilter(time_range=SECOND_DAY),
        lambda run, history: SECOND_DAY.start <= run["created_at"] < SECOND_DAY.end,
    ),
    (
        TraceFilter(time_range=SECOND_DAY, text="shelf empty", models=("house-model",)),
        lambda run, history: (
            SECOND_DAY.start <= run["created_at"] < SECOND_DAY.end
            and run["trace_id"] in _failed(history, "Shelf Empty")
            and any(span.get("model") == "house-model" for span in history.spans if span["trace_id"] == run["trace_id"])
        ),
    ),
    (
        TraceFilter(time_range=SECOND_DAY, has_error=True),
        lambda run, history: (
            SECOND_DAY.start <= run["created_at"] < SECOND_DAY.end
            and (run["failure_code"] or run["trace_id"] in _failed(history, "Error"))
        ),
    ),
    (TraceFilter(text="  CUSTOMER7@shop "), lambda run, history: run["customer_email"] == "customer7@shop.example"),
    (TraceFilter(text="needle run_17!"), lambda run, history: run["run_id"] == "run_17"),
    (TraceFilter(text="shelf empty"), lambda run, history: run["trace_id"] in _failed(history, "Shelf Empty")),
    (TraceFilter(text="50% off_or"), lambda run, history: True),
    (TraceFilter(text="50% of"), lambda run, history: False),
    (TraceFilter(text="50% of*"), lambda run, history: True),
    (TraceFilter(text="NOT needle"), lambda run, history: True),
    (TraceFilter(text="needle OR nothing"), lambda run, history: False),
    (TraceFilter(text="%"), lambda run, history: False),
    (TraceFilter(text="'; drop table runs; --"), lambda run, history: False),
    (
        TraceFilter(statuses=("completed",), min_active_ms=10_000, tools=("find_orders",)),
        lambda run, history: run["status"] == "completed" and run["active_ms"] >= 10_000,
    ),
]


@pytest.mark.parametrize(("trace_filter", "wanted"), FILTERS)
def test_filters(
    store: TraceStore, history: History, trace_filter: TraceFilter, wanted: Callable[[dict[str, Any], History], Any]
) -> None:
    page = list_traces(store, trace_filter, limit=1_000)

    expected = {run["run_id"] for run in history.runs if wanted(run, history)}
    assert {item.run_id for item in page.rows} == expected
    assert page.total == len(expected)


def test_pages_hold_every_trace_once_newest_first(store: TraceStore, history: History) -> None:
    pages = [list_traces(store, limit=70, offset=offset) for offset in range(0, 420, 70)]

    ids = [item.run_id for page in pages for item in page.rows]
    assert ids == [run["run_id"] for run in sorted(history.runs, key=lambda run: run["created_at"], reverse=True)]
    assert [page.total for page in pages] == [300] * 6, "Beyond the end as well."


@pytest.mark.parametrize("sort", ["cost_usd", "active_ms", "turns", "input_tokens"])
def test_sorting(store: TraceStore, history: History, sort: Any) -> None:
    items = list_traces(store, limit=1_000, sort=sort, descending=False).rows
    assert [getattr(item, sort) for item in items] == sorted(run[sort] for run in history.runs)


def test_an_unknown_order_is_refused(store: TraceStore) -> None:
    with pytest.raises(InvalidInput, match="can be sorted by"):
        list_traces(store, sort="run_id; drop table runs")  # type: ignore[arg-type]


def test_a_summary_adds_its_spans_up(store: TraceStore, history: History) -> None:
    for run in history.runs[:20]:
        summary = find_row(store, run["trace_id"])
        assert summary is not None
        spans = [span for span in history.spans if span["trace_id"] == run["trace_id"]]
        assert summary.span_count == len(spans)
        assert summary.error_count == sum("error" in span for span in spans)
        assert summary.tool_calls == (0 if run["status"] == "awaiting_approval" else 1), "A paused call is no call yet."
        assert summary.models == tuple(sorted({span["model"] for span in spans if "model" in span}))
        assert summary.created_at == run["created_at"]
        assert summary.cost_usd == run["cost_usd"]


def test_no_summary_without_a_run(store: TraceStore) -> None:
    assert find_row(store, "trace_unknown") is None


def test_a_trace_is_a_tree_in_the_order_of_time(store: TraceStore, history: History) -> None:
    spans = get_trace(store, history.runs[3]["trace_id"])

    assert [(span.kind, span.depth) for span in spans] == [
        ("agent", 0),
        ("guardrail", 1),
        ("model", 1),
        ("model", 1),
        ("model", 1),
        ("tool", 1),
    ]
    assert spans[0].content == {"note": "Needle run_3!"}
    assert all(span.started_at.tzinfo is not None for span in spans)
    assert [span.is_unpriced for span in spans if span.is_model_call] == [
        span.error is None and (span.output_tokens is None or span.model == "house-model")
        for span in spans
        if span.is_model_call
    ]


def test_spans_whose_parent_never_ended_stand_at_the_top(store: TraceStore, history: History) -> None:
    spans = get_trace(store, history.runs[0]["trace_id"])[1:]
    assert [span.depth for span in in_tree_order(spans)] == [0] * len(spans)


def test_spans_that_are_each_others_parent_do_not_hang(store: TraceStore, history: History) -> None:
    first, second, *others = get_trace(store, history.runs[0]["trace_id"])
    loop = [_with(first, parent_id=second.span_id), _with(second, parent_id=first.span_id), *others]
    assert {span.span_id for span in in_tree_order(loop)} == {span.span_id for span in loop}


def _with(span: Any, **changes: Any) -> Any:
    return type(span)(**{**span.__dict__, **changes})


def test_an_unknown_trace_is_not_found(store: TraceStore) -> None:
    with pytest.raises(NotFound, match="no trace with that id"):
        get_trace(store, "trace_unknown")


def _foreign_line(number: int, **columns: Any) -> bytes:
    at = START + timedelta(hours=number)
    row = {
        "trace_id": "trace_elsewhere",
        "span_id": f"span_elsewhere_{number}",
        "kind": "custom",
        "name": "look up",
        "started_at": at.isoformat(),
        "ended_at": (at + timedelta(seconds=1)).isoformat(),
        **columns,
    }
    return orjson.dumps(row) + b"\n"


def test_what_another_program_did_is_listed_and_counts_as_no_run(tmp_path: Path) -> None:
    store = TraceStore.open(tmp_path / "traces.duckdb")
    History(runs=10).write(store)
    call = {"kind": "model", "model": "m", "is_model_call": True, "is_priced": True, "cost_usd": "0.25"}
    trace = {"trace_id": "trace_elsewhere", "name": "Nightly report", "conversation_id": "c", "started_at": START}
    store.insert_batch(
        span_lines=[_foreign_line(1), _foreign_line(2, **call)],
        traces=[trace],
        price=lambda _: None,
        segment="s",
        offset=1,
    )
    store.insert_batch(
        span_lines=[_foreign_line(3, error="no such table", error_kind="broken")],
        price=lambda _: None,
        segment="s",
        offset=2,
    )

    row = find_row(store, "trace_elsewhere")
    assert row is not None
    assert (row.run_id, row.name, row.status, row.conversation_id) == (None, "Nightly report", "failed", "c")
    assert (row.cost_usd, row.span_count, row.error_count, row.models) == (Decimal("0.25"), 3, 1, ("m",))
    assert row.active_ms == 2 * 3_600_000 + 1000
    assert list_traces(store, limit=1_000).total == 11
    assert [row.trace_id for row in list_traces(store, TraceFilter(text="no such table")).rows] == ["trace_elsewhere"]
    assert RunMeasures(store).totals(TimeRange(start=START, end=START + timedelta(days=9))).runs == 10
    store.close()


def test_neighbours_are_those_of_the_list(store: TraceStore, history: History) -> None:
    wanted = TraceFilter(statuses=("completed",))
    ids = [row.trace_id for row in list_traces(store, wanted, limit=1_000, sort="cost_usd").rows]
    for place, trace_id in enumerate(ids):
        beside = find_neighbours(store, trace_id, wanted, sort="cost_usd")
        assert beside.before == (ids[place - 1] if place else None)
        assert beside.after == (ids[place + 1] if place + 1 < len(ids) else None)
    failed = list_traces(store, TraceFilter(statuses=("failed",))).rows[0].trace_id
    assert find_neighbours(store, failed, wanted) == TraceNeighbours(before=None, after=None)
