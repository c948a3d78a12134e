"""Finding traces by words: what came in just now, what is indexed, and an index that is lost, old or another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from storage.traces.listing import list_traces
from storage.traces.store import TraceStore
from storage.traces.words import words_of
from tests.storage.traces_history import START
from triage.domain.traces import TraceFilter


def _run(number: int, **columns: Any) -> dict[str, Any]:
    row = {"run_id": f"run_{number}", "trace_id": f"trace_{number}", "status": "completed", "cost_usd": "0"}
    return {
        **row, "active_ms": 1, "turns": 1, "unpriced_calls": 0, "degraded": False, "created_at": START,
        "updated_at": START, **dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"), 0),
        **columns,
    }  # fmt: skip


def _span(number: int, ordinal: int, *, kind: str = "tool", content: Any, **columns: Any) -> bytes:
    at = START.isoformat()
    row = {"trace_id": f"trace_{number}", "span_id": f"span_{number}_{ordinal}", "run_id": f"run_{number}"}
    text = orjson.dumps(content).decode()
    return (
        orjson.dumps({**row, "kind": kind, "name": "x", "started_at": at, "ended_at": at, "content": text, **columns})
        + b"\n"
    )


def _put(store: TraceStore, *lines: bytes, runs: tuple[dict[str, Any], ...] = ()) -> None:
    store.insert_batch(span_lines=lines, runs=runs, price=lambda _: None, segment="s", offset=1)


def _found(store: TraceStore, text: str) -> set[str]:
    return {row.trace_id for row in list_traces(store, TraceFilter(text=text)).rows}


@pytest.fixture(params=["just in", "indexed", "half of it"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    store = TraceStore.open(tmp_path / "traces.duckdb")
    call = {"kind": "model", "is_model_call": True, "is_priced": True}
    said = {
        "input": [{"role": "system", "content": "Instructions"}, {"role": "user", "content": "Ma\u00f1ana\nplease"}]
    }
    _put(
        store,
        _span(1, 1, content={**said, "output": "Soon"}, **call),
        _span(1, 2, content={"result": 'said "quoted" Straße, ORD-1234'}),
        runs=(_run(1, excerpt="Where is my parcel?", customer_email="Ann@shop.example"), _run(2), _run(3)),
    )
    if request.param == "half of it":
        assert store.index_words() is False
    # The second word of the first trace comes in another part.
    _put(
        store, _span(1, 3, content={"arguments": '{"city": "Lis\\nbon"}'}), _span(2, 1, content={}, error="Broken pipe")
    )
    if request.param == "indexed":
        while store.index_words():
            pass
    yield store
    store.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("manana", {1}),
        ("MAÑANA please", {1}),
        ("quoted", {1}),
        ("ord-1234", {1}),
        ("1234 soon", {1}),
        ("parcel", {1}),
        ("parcel bon", {1}),
        ("broken", {2}),
        ("broken parcel", set()),
        ("123", set()),
        ("123*", {1}),
        ("instructions", set()),
        ("ann@shop", {1}),
        ("run_3", {3}),
        ("trace_2", {2}),
        ('"; drop table words_0', set()),
        ("NEAR(", set()),
        ("***", set()),
    ],
)
def test_a_trace_is_found_by_all_its_words(store: TraceStore, text: str, found: set[int]) -> None:
    assert _found(store, text) == {f"trace_{number}" for number in found}


@pytest.mark.parametrize("text", [b"not a database" * 100, b""])
def test_an_index_that_is_lost_or_broken_is_made_anew(tmp_path: Path, text: bytes) -> None:
    store = TraceStore.open(tmp_path / "traces.duckdb")
    _put(store, _span(1, 1, content={"word": "needle"}), runs=(_run(1),))
    store.index_words()
    store.close()
    (tmp_path / "traces.words").write_bytes(text)

    store = TraceStore.open(tmp_path / "traces.duckdb")
    assert _found(store, "needle") == {"trace_1"}
    store.index_words()
    assert _found(store, "needle") == {"trace_1"}
    store.close()


def test_an_index_of_another_store_is_not_believed(tmp_path: Path) -> None:
    for name, word in (("a", "needle"), ("b", "thread")):
        store = TraceStore.open(tmp_path / name / "traces.duckdb")
        _put(store, _span(ord(name), 1, content={"word": word}), runs=(_run(ord(name)),))
        store.index_words()
        store.close()
    (tmp_path / "a" / "traces.words").replace(tmp_path / "b" / "traces.words")

    store = TraceStore.open(tmp_path / "b" / "traces.duckdb")
    store.index_words()
    assert (_found(store, "thread"), _found(store, "needle")) == ({f"trace_{ord('b')}"}, set())
    store.close()


def test_words_of_a_query() -> None:
    assert words_of("Refund ORD-12 refund Ärger_x 50%") == ["refund", "ord", "12", "arger", "x", "50"]
    assert words_of("ref* a-b* *") == ["ref*", "a", "b*"]
