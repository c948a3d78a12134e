"""Traces that go out and come in again, and traces that are taken out of the store."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.history import Plan, write
from storage.traces.parquet import export_traces, import_traces, traces_in
from storage.traces.store import TraceStore
from storage.traces.upkeep import TraceUpkeep
from triage.domain.traces import TimeRange, TraceFilter
from triage.errors import InvalidInput

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = ("spans", "span_contents", "runs", "traces")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TraceStore]:
    store = TraceStore.open(tmp_path / "traces.duckdb")
    write(store, Plan.of_spans(2_000, days=10, seed=4, until=UNTIL))
    yield store
    store.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[TraceStore]:
    store = TraceStore.open(tmp_path / "other.duckdb")
    yield store
    store.close()


def rows_of(store: TraceStore) -> dict[str, list[tuple[Any, ...]]]:
    keys = {"spans": "trace_id, span_id", "span_contents": "trace_id, span_id", "runs": "run_id", "traces": "trace_id"}
    return {
        table: store.rows(f"select columns(c -> c not in ('part_no', 'trace_key')) from {table} order by {keys[table]}")
        for table in TABLES
    }


def test_what_went_out_comes_in_the_same_and_once(store: TraceStore, other: TraceStore, tmp_path: Path) -> None:
    told = export_traces(store, tmp_path / "all.zip", wanted=TraceFilter())
    assert told["spans"] > 1_500
    assert import_traces(other, tmp_path / "all.zip") == told
    assert rows_of(other) == rows_of(store)
    assert import_traces(other, tmp_path / "all.zip") == {"spans": 0, "runs": 0, "traces": 0}
    assert rows_of(other) == rows_of(store)


def test_a_filter_chooses_whole_traces(store: TraceStore, other: TraceStore, tmp_path: Path) -> None:
    wanted = TraceFilter(
        time_range=TimeRange(start=UNTIL - timedelta(days=5), end=UNTIL - timedelta(days=2)), statuses=("completed",)
    )
    export_traces(store, tmp_path / "some.zip", wanted=wanted)
    import_traces(other, tmp_path / "some.zip")
    chosen = """select trace_id from runs where status = 'completed'
        and created_at >= timestamp '2026-02-24' and created_at < timestamp '2026-02-27' order by 1"""
    ids = [trace_id for (trace_id,) in store.rows(chosen)]
    assert ids
    assert [trace_id for (trace_id,) in other.rows("select trace_id from runs order by 1")] == ids
    assert traces_in(tmp_path / "some.zip") == set(ids)
    spans = "select count(*) from spans where list_contains($ids, trace_id)"
    assert (
        other.rows(spans, {"ids": ids}) == store.rows(spans, {"ids": ids}) == other.rows("select count(*) from spans")
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"words"])
def test_what_is_no_export_is_refused(other: TraceStore, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(InvalidInput, match="no export of traces"):
        import_traces(other, tmp_path / "x.zip")
    with pytest.raises(InvalidInput, match="There is no file"):
        import_traces(other, tmp_path / "missing.zip")


def test_a_removed_trace_is_in_no_table_and_the_others_stay(store: TraceStore, tmp_path: Path) -> None:
    upkeep = TraceUpkeep(store)
    ((customer,),) = store.rows(
        "select lower(customer_email) from runs where customer_email <> '' group by 1 order by count(*), 1 limit 1"
    )
    ids = upkeep.find(customer=customer, run_ids=(), conversation_ids=())
    while store.index_words():
        pass
    assert _indexed(tmp_path) == 1
    others = "select count(*) from spans where not list_contains($ids, trace_id)"
    before = store.rows(others, {"ids": ids})
    removed = upkeep.remove(ids)
    assert removed["runs in traces"] >= 1 <= removed["spans"]
    assert store.rows("select count(*) from spans") == before
    tables = [
        table
        for (table,) in store.rows("select distinct table_name from duckdb_columns() where column_name = 'trace_id'")
    ]
    assert {"spans", "runs", "traces", "span_contents"} <= set(tables)
    for table in tables:
        assert store.rows(f"select count(*) from {table} where list_contains($ids, trace_id)", {"ids": ids}) == [(0,)]
    assert upkeep.find(customer=customer, run_ids=(), conversation_ids=()) == []
    # The index of words is made anew, because nobody can tell whose its words are.
    assert _indexed(tmp_path) == 0
    while store.index_words():
        pass
    assert _indexed(tmp_path) == 1


def _indexed(folder: Path) -> int:
    """Return whether the index of words knows how far it is."""
    with closing(sqlite3.connect(folder / "traces.words")) as connection:
        (count,) = connection.execute("select count(*) from mark").fetchone()
    return int(count)


def test_words_go_before_what_is_counted(store: TraceStore) -> None:
    upkeep, before = TraceUpkeep(store), UNTIL - timedelta(days=5)
    due = upkeep.due(words_before=before, measures_before=None)
    counted = store.rows("select count(*), sum(cost_usd), sum(input_tokens) from spans")
    assert upkeep.remove_words(before=before)["texts of spans"] == due["texts of spans"] > 0
    assert store.rows("select count(*), sum(cost_usd), sum(input_tokens) from spans") == counted
    assert store.rows("select count(*) from span_contents where started_at < timestamp '2026-02-24'") == [(0,)]
    assert store.rows("select count(excerpt) from runs where created_at < timestamp '2026-02-24'") == [(0,)]
    assert store.rows("select count(excerpt) > 0 from runs") == [(True,)]
    removed = upkeep.remove_measures(before=before)
    assert removed["spans"] > 0
    assert store.rows("select count(*) from runs where created_at < timestamp '2026-02-24'") == [(0,)]


def test_the_file_is_written_anew_while_others_read(store: TraceStore, tmp_path: Path) -> None:
    expected = store.rows("select count(*) from spans")
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                if store.rows("select count(*) from spans") != expected:
                    wrong.append("another count")
            except Exception as error:  # noqa: BLE001 - any error of a reader is the finding
                wrong.append(repr(error))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    upkeep = TraceUpkeep(store)
    for _ in range(4):
        upkeep.write_anew()
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert store.rows("select count(*) from spans") == expected
    upkeep.copy_to(tmp_path / "copy.duckdb")
    copy = TraceStore.open(tmp_path / "copy.duckdb")
    assert rows_of(copy) == rows_of(store)
    copy.close()
    assert not list(tmp_path.glob("*.new*"))
