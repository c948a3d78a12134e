"""The trace store's file: opened by the one process that owns the data folder, written in batches, read by threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from storage.traces.schema import TABLES, prepare
from triage.errors import DataFolderError, InvalidInput

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "512MB",
    # Nothing is fetched from the network: the parts that are used are built into the package.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}

_INSERT_REPLAYED_SPANS = """
    insert into spans by name
    select * exclude (position, is_replay)
    from (select distinct on (span_id) * from new_spans where is_replay order by span_id, position) replayed
    where not exists (
        select 1 from spans
        where spans.trace_id = replayed.trace_id and spans.span_id = replayed.span_id
    )
    order by position
"""
_INSERT_TRACES = """
    insert into traces by name
    select * exclude (position)
    from (select distinct on (trace_id) * from new_traces order by trace_id, position) seen
    where not exists (select 1 from traces where traces.trace_id = seen.trace_id)
"""
_MERGE_RUNS = """
    merge into runs
    using (
        select * exclude (position)
        from (select distinct on (run_id) * from new_runs order by run_id, updated_at desc, position desc) latest
    ) newer on runs.run_id = newer.run_id
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
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def insert_batch(
        self,
        *,
        spans: Sequence[Mapping[str, Any]] = (),
        runs: Sequence[Mapping[str, Any]] = (),
        traces: Sequence[Mapping[str, Any]] = (),
        segment: str,
        offset: int,
    ) -> None:
        """Keep the rows and how far ``segment`` is read, in one transaction.

        A row holds values by column name (times aware, money ``Decimal`` or text); a missing one is NULL. A span row
        with ``is_replay`` is left out where its id is kept already. The latest version of a run wins by ``updated_at``.

        Raises:
            InvalidInput: a row does not fit its table; nothing was kept.
            duckdb.Error: the file cannot be written now; nothing was kept.
        """
        with self._writing:
            cursor = self._cursor()
            cursor.execute("begin")
            try:
                _insert_spans(cursor, spans)
                _insert(cursor, table="traces", rows=traces, statement=_INSERT_TRACES)
                _insert(cursor, table="runs", rows=runs, statement=_MERGE_RUNS)
                cursor.execute("delete from spool_offsets where segment = ?", [segment])
                cursor.execute("insert into spool_offsets values (?, ?)", [segment, offset])
                cursor.execute("commit")
            except (pa.ArrowException, duckdb.DataError, duckdb.IntegrityError, ValueError, TypeError) as error:
                _roll_back(cursor)
                raise InvalidInput("A row does not fit the trace store.") from error
            except BaseException:
                _roll_back(cursor)
                raise

    def forget_segment(self, segment: str) -> None:
        """Drop the offset of a spool segment that is gone."""
        with self._writing:
            self._cursor().execute("delete from spool_offsets where segment = ?", [segment])

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


def _insert_spans(cursor: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append the fresh spans; look for an earlier copy of the replayed ones only, because that reads the table."""
    fresh = [row for row in rows if not row.get("is_replay")]
    replayed = [row for row in rows if row.get("is_replay")]
    _insert(
        cursor,
        table="spans",
        rows=fresh,
        statement="insert into spans by name select * exclude (position) from new_spans",
    )
    _insert(cursor, table="spans", rows=replayed, statement=_INSERT_REPLAYED_SPANS)


def _insert(
    cursor: duckdb.DuckDBPyConnection, *, table: str, rows: Sequence[Mapping[str, Any]], statement: str
) -> None:
    """Run ``statement`` over the rows as the view ``new_<table>``, which has their order as ``position``."""
    if not rows:
        return
    view = f"new_{table}"
    cursor.register(view, _as_arrow(rows, table=table))
    try:
        cursor.execute(statement)
    finally:
        cursor.unregister(view)


def _as_arrow(rows: Sequence[Mapping[str, Any]], *, table: str) -> pa.Table:
    columns = {}
    for name, (_, kind) in TABLES[table].items():
        values = [row.get(name) for row in rows]
        if pa.types.is_decimal(kind):
            values = [None if value is None else _nano_dollars(value) for value in values]
        column = pa.array(values, kind)
        # DuckDB would turn a time with zone by the zone of the connection; without one it is taken as it stands.
        columns[name] = column.cast(pa.timestamp("us")) if pa.types.is_timestamp(kind) else column
    columns["position"] = pa.array(range(len(rows)), pa.int64())
    return pa.table(columns)


def _nano_dollars(value: Decimal | str) -> Decimal:
    """Return the amount with the nine digits that the column keeps."""
    return Decimal(value).quantize(Decimal("1e-9"))


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
