"""Puts batches into the tables; each function works inside the transaction that the caller began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from storage.traces.batches import latest_runs
from storage.traces.parts import divide, trace_key
from storage.traces.schema import PART_COLUMNS, RUN_COLUMNS

_KNOWN_SPANS = """
    select span_id from batch
    where exists (select 1 from spans where spans.trace_id = batch.trace_id and spans.span_id = batch.span_id)
"""
_INSERT_TRACES = """
    insert into traces by name
    select * from batch
    where not exists (select 1 from traces where traces.trace_id = batch.trace_id)
"""


class Numbering:
    """The number of the next part and the names that the store knows; what a batch adds counts once it is committed."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        ((last,),) = cursor.execute("select coalesce(max(part_no), 0) from parts").fetchall()
        self._next: int = last + 1
        self._names = {(kind, name) for kind, name in cursor.execute("select kind, name from names").fetchall()}
        self._added = 0
        self._new_names: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """Forget what a batch that came to nothing has added."""
        self._added = 0
        self._new_names = set()

    def commit(self) -> None:
        """Keep what the batch has added."""
        self._next += self._added
        self._names |= self._new_names
        self.begin()

    @property
    def last(self) -> int:
        """The number of the last part that was committed."""
        return self._next - 1

    def take(self, parts: int) -> int:
        """Return the number of the first of so many new parts."""
        first = self._next + self._added
        self._added += parts
        return first

    def unknown(self, names: set[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the names that the store does not have, in order."""
        new = names - self._names - self._new_names
        self._new_names |= new
        return sorted(new)


def insert_spans(
    cursor: duckdb.DuckDBPyConnection, numbering: Numbering, *, fresh: pa.Table, replayed: pa.Table | None = None
) -> None:
    """Put spans with their words into all tables; of the replayed ones those that the store does not have."""
    if replayed is not None and len(replayed):
        found = cursor.from_arrow(replayed.select(["trace_id", "span_id"])).query("batch", _KNOWN_SPANS).fetchall()
        known = pa.array([*(span_id for (span_id,) in found), *fresh["span_id"].to_pylist()], pa.string())
        is_known = pc.is_in(replayed["span_id"], known)
        fresh = pa.concat_tables([fresh, replayed.filter(pc.invert(is_known))])
    if not len(fresh):
        return
    divided = divide(fresh, first_part=numbering.take(0))
    numbering.take(divided.parts)
    for name, table in divided.tables.items():
        # Not by SQL, which takes longer to plan than a small batch to insert.
        if len(table):
            cursor.from_arrow(table).insert_into(name)
    for kind, name in numbering.unknown(divided.names):
        cursor.execute("insert into names values (?, ?, ?)", [kind, name, _first_use(fresh, kind, name)])


def _first_use(spans: pa.Table, kind: str, name: str) -> Any:
    return pc.min(spans.filter(pc.equal(spans[kind], name))["started_at"]).as_py()


def insert_traces(cursor: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
    """Put traces that ran outside of a run into the store, each once."""
    cursor.from_arrow(table).query("batch", _INSERT_TRACES)


def drop_older_runs(cursor: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Delete the runs of which the rows are later versions, and return the rows to insert.

    Three plain statements take a third of the processor time of one ``merge``, which DuckDB plans anew each time.
    """
    newer = {row["run_id"]: row for row in latest_runs(rows)}
    known = cursor.execute("select run_id, updated_at from runs where list_contains(?, run_id)", [list(newer)])
    older = []
    for run_id, updated_at in known.fetchall():
        if newer[run_id]["updated_at"] >= updated_at.replace(tzinfo=UTC):
            older.append(run_id)
        else:
            del newer[run_id]
    if older:
        cursor.execute("delete from runs where list_contains(?, run_id)", [older])
    return list(newer.values())


def insert_runs(cursor: duckdb.DuckDBPyConnection, numbering: Numbering, table: pa.Table) -> None:
    """Put runs into the store, and a part without spans for the words that each begins with."""
    if "trace_key" not in table.column_names:
        keys = pa.array(map(trace_key, table["trace_id"].to_pylist()), pa.int64())
        table = table.append_column("trace_key", keys)
    cursor.from_arrow(table.select(list(RUN_COLUMNS))).insert_into("runs")
    spoken = table.filter(pc.is_valid(table["excerpt"]))
    if not len(spoken):
        return
    first = numbering.take(len(spoken))
    nothing = pa.nulls(len(spoken))
    zero = pa.array([0] * len(spoken), pa.int64())
    columns: dict[str, Any] = {
        "part_no": pa.array(range(first, first + len(spoken)), pa.int64()),
        **{name: spoken[name] for name in ("trace_key", "trace_id", "run_id", "conversation_id")},
        "is_foreign": pa.array([False] * len(spoken)),
        "first_at": spoken["created_at"],
        "last_at": spoken["created_at"],
        **dict.fromkeys(("span_count", "error_count", "tool_calls", "unpriced_calls"), zero),
    }
    kinds = {
        name: pa.timestamp("us") if pa.types.is_timestamp(kind) else kind for name, (_, kind) in PART_COLUMNS.items()
    }
    cursor.from_arrow(
        pa.table({name: columns.get(name, nothing).cast(kind) for name, kind in kinds.items()})
    ).insert_into("parts")


def note_offset(cursor: duckdb.DuckDBPyConnection, *, segment: str, offset: int) -> None:
    """Keep how far a segment is read."""
    (updated,) = cursor.execute('update spool_offsets set "offset" = ? where segment = ?', [offset, segment]).fetchall()
    if updated == (0,):
        cursor.execute("insert into spool_offsets values (?, ?)", [segment, offset])


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End a transaction that came to nothing."""
    try:
        cursor.execute("rollback")
    except duckdb.Error:
        # A failed commit has ended the transaction already.
        return
