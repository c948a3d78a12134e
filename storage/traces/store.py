"""The trace store's file: opened by the one process that owns the data folder, written in batches, read by threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from storage.traces.batches import (
    SPANS_FROM_LINES,
    PriceCalls,
    first_by,
    latest_runs,
    read_span_lines,
    rows_as_table,
    split_replayed,
)
from storage.traces.schema import prepare
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
    # The default of 16 MB makes a busy hour stop for a checkpoint every few thousand spans.
    "checkpoint_threshold": "64MB",
    # Nothing is fetched from the network: the parts that are used are built into the package.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}

_INSERT_SPANS = f"insert into spans by name {SPANS_FROM_LINES.format(view='new_spans')}"
_INSERT_REPLAYED_SPANS = f"""
    insert into spans by name
    {SPANS_FROM_LINES.format(view="replayed_spans")} replayed
    where not exists (
        select 1 from spans
        where spans.trace_id = replayed.trace_id and spans.span_id = replayed.span_id
    )
"""  # noqa: S608 - made of constants.
_INSERT_TRACES = """
    insert into traces by name
    select * from new_traces seen
    where not exists (select 1 from traces where traces.trace_id = seen.trace_id)
"""
_MERGE_RUNS = """
    merge into runs
    using new_runs newer on runs.run_id = newer.run_id
    when matched and newer.updated_at >= runs.updated_at then update by name
    when not matched then insert by name
"""


class TraceStore:
    """Spans, runs and traces in one DuckDB file; one connection, and a cursor of its own for each thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._cursors = threading.local()
        self._writing = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> TraceStore:
        """Open the file, created with its folder where it is missing.

        Raises:
            DataFolderError: the folder cannot be written, another process holds the file, or it is of a newer build.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = duckdb.connect(str(path), config=_CONFIG)
        except (OSError, duckdb.Error) as error:
            raise DataFolderError(_refusal(path, error)) from error
        try:
            # A time without an offset is UTC, whatever the machine says.
            connection.execute("set global timezone = 'UTC'")
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

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

        ``span_lines`` are JSON objects with columns as keys (times ISO 8601 text, ``content`` JSON text); ``price``
        adds ``cost_usd`` to the model calls among them. One with ``is_replay`` is left out where its id is known.
        The other rows hold values by column name, times aware; the latest version of a run wins by ``updated_at``.

        Raises:
            InvalidInput: a line or row does not fit its table; nothing was kept.
            duckdb.Error: the file cannot be written now; nothing was kept.
        """
        with self._writing:
            cursor = self._cursor()
            cursor.execute("begin")
            try:
                if span_lines:
                    fresh, replayed = split_replayed(read_span_lines(span_lines, price=price))
                    _insert(cursor, view="new_spans", table=fresh, statement=_INSERT_SPANS)
                    _insert(cursor, view="replayed_spans", table=replayed, statement=_INSERT_REPLAYED_SPANS)
                if traces:
                    table = rows_as_table(first_by(traces, "trace_id"), table="traces")
                    _insert(cursor, view="new_traces", table=table, statement=_INSERT_TRACES)
                if runs:
                    table = rows_as_table(latest_runs(runs), table="runs")
                    _insert(cursor, view="new_runs", table=table, statement=_MERGE_RUNS)
                cursor.execute("delete from spool_offsets where segment = ?", [segment])
                cursor.execute("insert into spool_offsets values (?, ?)", [segment, offset])
                cursor.execute("commit")
            except _ROW_ERRORS as error:
                _roll_back(cursor)
                raise InvalidInput("A row does not fit the trace store.") from error
            except BaseException:
                _roll_back(cursor)
                raise

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
        """Return what a query finds; times in it are UTC without a zone."""
        return self._cursor().execute(sql, parameters or None).fetchall()

    def records(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """Return what a query finds, each row by column name and its times aware."""
        cursor = self._cursor().execute(sql, parameters or None)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, map(_aware, row), strict=True)) for row in cursor.fetchall()]

    def close(self) -> None:
        """Close the file; reading and writing fail afterwards."""
        with self._writing:
            self._connection.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._cursors, "cursor", None)
        if cursor is None:
            cursor = self._connection.cursor()
            self._cursors.cursor = cursor
        return cursor


def _insert(cursor: duckdb.DuckDBPyConnection, *, view: str, table: pa.Table, statement: str) -> None:
    """Run ``statement`` with the table visible as ``view``."""
    if not len(table):
        return
    cursor.register(view, table)
    try:
        cursor.execute(statement)
    finally:
        cursor.unregister(view)


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("rollback")
    except duckdb.Error:
        # A failed commit has ended the transaction already.
        return


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _refusal(path: Path, error: Exception) -> str:
    if "lock" in str(error).lower():
        return f"Another process has the trace store {path} open: stop it, or choose another TRIAGE_DATA_DIR."
    return (
        f"The trace store {path} cannot be opened ({type(error).__name__}): check that the folder can be written and "
        "that the file was written by this or an older build."
    )
