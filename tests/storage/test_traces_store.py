"""The trace store's file: opening it, refusing what cannot be used, and reading while it is written."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from storage.traces.queries import TraceQueries
from storage.traces.schema import SCHEMA_VERSION
from storage.traces.store import TraceStore
from tests.processes import run_module
from tests.storage.made_up import UNTIL, MadeUp
from tests.storage.traces_history import History
from triage.domain.traces import TimeRange, TraceFilter
from triage.errors import DataFolderError

PROJECT = Path(__file__).resolve().parents[2]


def test_a_new_file_is_made_with_its_folder_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "traces.duckdb"
    history = History(runs=5)
    store = TraceStore.open(path)
    history.write(store)
    store.close()

    store = TraceStore.open(path)
    assert store.rows("select count(*) from spans") == [(len(history.spans),)]
    assert store.offsets() == {"history": 1}
    store.close()


def test_a_file_of_a_newer_build_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    TraceStore.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("update schema_version set version = ?", [SCHEMA_VERSION + 1])

    with pytest.raises(DataFolderError, match="start the newer build"):
        TraceStore.open(path)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("select version from schema_version").fetchall() == [(SCHEMA_VERSION + 1,)]


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    path.write_text("This is a letter. " * 1_000)

    with pytest.raises(DataFolderError, match="cannot be opened"):
        TraceStore.open(path)
    assert path.read_text().startswith("This is a letter.")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataFolderError, match="cannot be opened"):
        TraceStore.open(tmp_path / "data" / "traces.duckdb")


def test_a_file_that_another_process_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    script = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataFolderError, match="Another process"):
            TraceStore.open(path)
    finally:
        holder.communicate("")


def test_threads_read_while_batches_come_in(tmp_path: Path) -> None:
    store = TraceStore.open(tmp_path / "traces.duckdb")
    batch = History(runs=20)
    troubles: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        seen = 0
        while not done.is_set():
            try:
                found = store.rows("select count(*) from spans")[0][0]
            except duckdb.Error as error:
                troubles.append(error)
                return
            # A batch is there as a whole or not at all.
            if found % len(batch.spans) or found < seen:
                troubles.append(AssertionError(found))
            seen = found

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(8):
        batch.write(store)
    done.set()
    for reader in readers:
        reader.join()

    assert troubles == []
    assert store.rows("select count(*) from spans") == [(8 * len(batch.spans),)]
    assert store.rows("select count(*) from runs") == [(20,)]
    store.close()


def test_times_are_utc_whatever_the_machine_says(tmp_path: Path, child_environment: dict[str, str]) -> None:
    outcome = run_module(
        "tests.storage.time_zone", str(tmp_path / "t.duckdb"), environment={**child_environment, "TZ": "Asia/Tokyo"}
    )
    assert outcome.stdout.split() == ["True", "1"], outcome.stderr


def test_dashboards_are_read_while_spans_come_in(tmp_path: Path) -> None:
    """Every page asks its questions, again and again, while batches come in and words are indexed."""
    store = TraceStore.open(tmp_path / "traces.duckdb")
    queries = TraceQueries(store)
    history = MadeUp(runs=60)
    time_range = TimeRange(start=UNTIL - timedelta(days=40), end=UNTIL)
    troubles: list[BaseException] = []
    done = threading.Event()

    def watch(look: Callable[[], object]) -> None:
        while not done.is_set():
            try:
                look()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is a trouble.
                troubles.append(error)
                return

    looks: list[Callable[[], object]] = [
        lambda: queries.costs.by_model(time_range),
        lambda: queries.handoffs.paths(time_range),
        lambda: queries.find(TraceFilter(text="refund", has_error=False)),
        lambda: [queries.spans(row.trace_id) for row in queries.find(TraceFilter()).rows[:2] if row.span_count],
    ]
    watchers = [threading.Thread(target=watch, args=(look,)) for look in looks]
    for watcher in watchers:
        watcher.start()
    history.write(store, batch=200)
    while store.index_words():
        pass
    done.set()
    for watcher in watchers:
        watcher.join()

    assert troubles == []
    assert store.rows("select count(*), count(distinct span_id) from spans") == [(len(history.spans),) * 2]
    assert store.rows("select sum(span_count) from parts") == [(len(history.spans),)]
    assert store.rows("select count(*) from model_calls") == [(len(history.calls),)]
    store.close()
