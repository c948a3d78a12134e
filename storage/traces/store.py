"""The trace store's file: opened by the one process that owns the data folder, written in batches, read by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from storage.traces.batches import (
    PriceCalls,
    first_by,
    read_span_lines,
    rows_as_table,
    split_replayed,
)
from storage.traces.gate import ReadersGate
from storage.traces.migrations import prepare
from storage.traces.search import index_words, traces_with
from storage.traces.words import WordIndex
from storage.traces.writing import (
    Numbering,
    drop_older_runs,
    insert_runs,
    insert_spans,
    insert_traces,
    note_offset,
    roll_back,
)
from triage.errors import DataFolderError, InvalidInput

# What a row that does not fit raises, as against a file that cannot be written.
_ROW_ERRORS = (
    pa.ArrowException,
    duckdb.DataError,
    duckdb.IntegrityError,
    ArithmeticError,
    KeyError,
    TypeError,
    ValueError,
)
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    # Enough for the dashboards; what needs more goes to a temporary file beside the store.
    "memory_limit": "256MB",
    # A query runs in the thread that asks, and the other cores stay the agents': a second thread makes an insert cost
    # twice the processor time, and the queries of the dashboards are none the faster for it (docs/tracing.md).
    "threads": 1,
    # The default of 16 MB makes a busy hour stop for a checkpoint every few thousand spans.
    "checkpoint_threshold": "64MB",
    # Nothing is fetched from the network: the parts that are used are built into the package.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class TraceStore:
    """Spans, runs and traces in one DuckDB file; one connection, and a cursor of its own for each thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, words: WordIndex) -> None:
        self._connection = connection
        self._words = words
        self._cursors = threading.local()
        self._writing = threading.Lock()
        self._gate = ReadersGate()
        self._path = Path(connection.execute("select path from duckdb_databases() where not internal").fetchall()[0][0])
        self._is_broken = False
        self._numbering = Numbering(connection)
        # The last part when the index was found to have all, so that nobody asks the file when nothing came since.
        self._words_up_to: int | None = None

    @classmethod
    def open(cls, path: Path) -> TraceStore:
        """Open the file, created with its folder where it is missing.

        Raises:
            DataFolderError: the folder cannot be written, another process holds the file, or it is of a newer build.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = _connect(path)
        except (OSError, duckdb.Error) as error:
            raise DataFolderError(_refusal(path, error)) from error
        try:
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection, words=WordIndex(path.with_name(f"{path.stem}.words")))

    def insert_batch(
        self,
        *,
        span_lines: Sequence[bytes] = (),
        runs: Sequence[Mapping[str, Any]] = (),
        traces: Sequence[Mapping[str, Any]] = (),
        price: PriceCalls,
        segment: str,
        offset: int,
    ) -> None:
        """Keep spans, runs and traces and how far ``segment`` is read, in one transaction.

        ``span_lines`` are JSON objects with columns as keys (times ISO 8601 text, ``content`` JSON text), a line each
        and one or more lines in a piece; ``price`` adds ``cost_usd`` to the model calls among them that are not
        ``is_priced``. One with ``is_replay`` is left out where its id is known.
        The other rows hold values by column name, times aware; the latest version of a run wins by ``updated_at``.

        Raises:
            InvalidInput: a line or row does not fit its table; nothing was kept.
            duckdb.Error: the file cannot be written now; nothing was kept.
        """
        try:
            with self.change() as cursor:
                if span_lines:
                    fresh, replayed = split_replayed(read_span_lines(span_lines, price=price))
                    insert_spans(cursor, self._numbering, fresh=fresh, replayed=replayed)
                if traces:
                    insert_traces(cursor, rows_as_table(first_by(traces, "trace_id"), table="traces"))
                if runs:
                    table = rows_as_table(drop_older_runs(cursor, runs), table="runs")
                    insert_runs(cursor, self._numbering, table)
                note_offset(cursor, segment=segment, offset=offset)
        except _ROW_ERRORS as error:
            raise InvalidInput("A row does not fit the trace store.") from error

    def append_tables(self, *, spans: pa.Table, runs: pa.Table) -> None:
        """Keep spans (with their ``content``) and runs that the store does not have, as tables with its columns.

        For what comes in bulk and in order: nothing is priced, replaced or looked for.

        Raises:
            duckdb.Error: the tables do not fit, or the file cannot be written; nothing was kept.
        """
        with self.change() as cursor:
            insert_spans(cursor, self._numbering, fresh=spans)
            insert_runs(cursor, self._numbering, runs)

    def index_words(self) -> bool:
        """Make the next stretch of what came in findable by its words; return whether more of it waits."""
        last = self._numbering.last
        if last == self._words_up_to:
            return False
        with self.looking() as cursor:
            is_more_left = index_words(cursor, self._words)
        if not is_more_left:
            self._words_up_to = last
        return is_more_left

    def traces_with(self, text: str) -> list[pa.Table]:
        """Return for each word of a text the traces that have it, as a table with ``trace_key``."""
        with _readable(), self.looking() as cursor:
            return traces_with(cursor, self._words, text)

    def forget_segment(self, segment: str) -> None:
        """Drop the offset of a spool segment that is gone."""
        with self._writing:
            self._cursor().execute("delete from spool_offsets where segment = ?", [segment])

    def last_run_change(self) -> datetime | None:
        """Return when the run that was changed last was changed, None in an empty store."""
        (found,) = self.rows("select max(updated_at) from runs")
        at: datetime | None = found[0]
        return None if at is None else at.replace(tzinfo=UTC)

    def offsets(self) -> dict[str, int]:
        """Return how many bytes of each spool segment are in the store."""
        return dict(self.rows('select segment, "offset" from spool_offsets'))

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds; times in it are UTC without a zone.

        Raises:
            DataFolderError: the file cannot be read.
        """
        with self.looking() as cursor, _readable():
            return cursor.execute(sql, parameters or None).fetchall()

    def records(
        self,
        sql: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        *,
        tables: Mapping[str, pa.Table] | None = None,
    ) -> list[dict[str, Any]]:
        """Return what a query finds, each row by column name and its times aware; ``tables`` can be read in it.

        Raises:
            DataFolderError: the file cannot be read.
        """
        with self.looking() as cursor, _readable(), _registered(cursor, tables or {}):
            cursor.execute(sql, parameters or None)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, map(_aware, row), strict=True)) for row in cursor.fetchall()]

    def table(self, sql: str, parameters: Mapping[str, Any], *, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Return what a query finds as a table, for another query to read; many rows cost little."""
        with self.looking() as cursor, _readable(), _registered(cursor, tables):
            return cursor.execute(sql, parameters or None).to_arrow_table()

    @contextmanager
    def change(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a transaction in which nobody else writes: kept at the end of the block, undone by an error."""
        with self._writing, self._mending():
            cursor = self._cursor()
            cursor.execute("begin")
            self._numbering.begin()
            try:
                yield cursor
                cursor.execute("commit")
            except BaseException:
                roll_back(cursor)
                raise
            self._numbering.commit()

    @contextmanager
    def looking(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give the thread's cursor for several statements on the same file."""
        with self._mending(), self._gate.open():
            yield self._cursor()

    @contextmanager
    def unchanging(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor while nobody writes; reading goes on."""
        with self._writing:
            yield self._cursor()

    def replace_file(self, make: Callable[[duckdb.DuckDBPyConnection, Path], None]) -> None:
        """Let ``make`` write the store anew under another name and put it in the place of the file.

        Nobody writes meanwhile; who reads is waited for, for as long as it takes to open the new file.
        """
        with self._writing:
            path = self._path
            fresh = path.with_name(f"{path.name}.new")
            fresh.unlink(missing_ok=True)
            make(self._cursor(), fresh)
            with self._gate.closed():
                self._connection.close()
                fresh.replace(path)
                path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
                self._connection = _connect(path)
                self._cursors = threading.local()

    def forget_words(self) -> None:
        """Make the index of words anew, without what is no longer in the store; it comes again as time allows."""
        with self._gate.closed():
            self._words.clear()
            self._words_up_to = None

    def close(self) -> None:
        """Close the file; reading and writing fail afterwards."""
        with self._writing:
            self._connection.close()
            self._words.close()

    @contextmanager
    def _mending(self) -> Iterator[None]:
        """Open the file anew where DuckDB gave it up, as it does when a checkpoint finds the disk full.

        Raises:
            DataFolderError: the file was given up now, or cannot be opened yet.
        """
        if self._is_broken:
            with self._gate.closed():
                self._open_anew()
        try:
            yield
        except duckdb.FatalException as error:
            self._is_broken = True
            raise DataFolderError(
                "The trace store stopped in the middle of writing, most likely because the disk is full: free some "
                "space. Nothing is lost; what has not come in waits in the spool."
            ) from error

    def _open_anew(self) -> None:
        if self._is_broken:
            # DuckDB lets go of a file when nothing of it is open any more.
            self._connection.close()
            self._cursors = threading.local()
            try:
                self._connection = _connect(self._path)
            except (OSError, duckdb.Error) as error:
                raise DataFolderError(_refusal(self._path, error)) from error
            self._numbering = Numbering(self._connection)
            self._words_up_to = None
            self._is_broken = False

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._cursors, "cursor", None)
        if cursor is None:
            cursor = self._connection.cursor()
            self._cursors.cursor = cursor
        return cursor


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path), config=_CONFIG)
    # A time without an offset is UTC, whatever the machine says.
    connection.execute("set global timezone = 'UTC'")
    return connection


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


@contextmanager
def _registered(cursor: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> Iterator[None]:
    """Let a query read tables under these names; what stays registered stays in memory."""
    for name, table in tables.items():
        cursor.register(name, table)
    try:
        yield
    finally:
        for name in tables:
            cursor.unregister(name)


@contextmanager
def _readable() -> Iterator[None]:
    """Say in a sentence that a query has failed; what a page asks for is never the reason."""
    try:
        yield
    except duckdb.FatalException:
        # The file was given up and has its own sentence, see ``_mending``.
        raise
    except duckdb.Error as error:
        raise DataFolderError(
            f"The trace store cannot be read now ({type(error).__name__}): try again, and run `triage doctor` when it "
            "stays so. Nothing is lost; the spool keeps what comes in."
        ) from error


def _refusal(path: Path, error: Exception) -> str:
    if "lock" in str(error).lower():
        return f"Another process has the trace store {path} open: stop it, or choose another TRIAGE_DATA_DIR."
    return (
        f"The trace store {path} cannot be opened ({type(error).__name__}): check that the folder can be written and "
        "that the file was written by this or an older build."
    )
