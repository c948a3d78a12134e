"""Takes rows out of the trace store, by trace or by age, and writes its file anew without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from storage.traces.store import TraceStore

# What ends with the time for words although it stands beside what is counted.
_WORDS_OF_RUNS = "update runs set excerpt = null, customer_email = null where created_at < $before and {there}"
_WORDS_THERE = "(excerpt is not null or customer_email is not null)"
_ERRORS = "update spans set error = error_kind where started_at < $before and error is distinct from error_kind"
# By which column the age of a table's rows is told, the first that it has.
_AGES = ("started_at", "created_at", "first_at")
_TABLES = """
    select table_name, list(column_name) from duckdb_columns()
    where table_name in (select table_name from duckdb_tables()) group by table_name order by table_name
"""
# What a person knows by these names; the other tables hold the same counted in another way.
_COUNTED = {"spans": "spans", "span_contents": "texts of spans", "runs": "runs in traces", "traces": "other traces"}


class TraceUpkeep:
    """Removal and renewal of one open store; safe while it is written and read."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def find(self, *, customer: str, run_ids: Sequence[str], conversation_ids: Sequence[str]) -> list[str]:
        """Return the traces of runs, of conversations, and of a customer by address in small letters."""
        rows = self._store.rows(
            """
            select trace_id from runs where lower(customer_email) = $customer or list_contains($runs, run_id)
                or list_contains($conversations, conversation_id)
            union
            select trace_id from traces where list_contains($runs, run_id)
                or list_contains($conversations, conversation_id)
            union
            select trace_id from spans where list_contains($runs, run_id)
                or list_contains($conversations, conversation_id)
            """,
            {"customer": customer, "runs": list(run_ids), "conversations": list(conversation_ids)},
        )
        return sorted(trace_id for (trace_id,) in rows)

    def remove(self, trace_ids: Collection[str]) -> Counter[str]:
        """Remove everything of these traces."""
        removed: Counter[str] = Counter()
        if not trace_ids:
            return removed
        with self._store.change() as cursor:
            tables = _tables(cursor)
            keys = _trace_keys(cursor, tables, trace_ids)
            for table, columns in tables.items():
                column, values = ("trace_id", list(trace_ids)) if "trace_id" in columns else ("trace_key", keys)
                if column in columns:
                    removed[_COUNTED.get(table, "")] += _delete(
                        cursor, f"delete from {table} where list_contains($ids, {column})", {"ids": values}
                    )
        self._store.forget_words()
        del removed[""]
        return +removed

    def due(self, *, words_before: datetime | None, measures_before: datetime | None) -> dict[str, int]:
        """Return how many texts, and how many spans and runs, are older; None is nothing."""
        questions = {
            "texts of spans": ("select count(*) from span_contents where started_at < ?", words_before),
            "spans": ("select count(*) from spans where started_at < ?", measures_before),
            "runs in traces": ("select count(*) from runs where created_at < ?", measures_before),
        }
        return {
            what: self._store.rows(sql, [_naive(before)])[0][0] if before else 0
            for what, (sql, before) in questions.items()
        }

    def remove_words(self, *, before: datetime) -> Counter[str]:
        """Remove what older spans and runs say; what is counted of them stays."""
        parameters = {"before": _naive(before)}
        with self._store.change() as cursor:
            removed = _delete(cursor, "delete from span_contents where started_at < $before", parameters)
            _delete(cursor, _WORDS_OF_RUNS.format(there=_WORDS_THERE), parameters)
            _delete(cursor, _ERRORS, parameters)
        if removed:
            self._store.forget_words()
        return +Counter({"texts of spans": removed})

    def remove_measures(self, *, before: datetime) -> Counter[str]:
        """Remove older spans, runs and traces as a whole."""
        removed: Counter[str] = Counter()
        with self._store.change() as cursor:
            for table, columns in _tables(cursor).items():
                age = next((name for name in _AGES if name in columns), None)
                if age is not None and ("trace_id" in columns or "trace_key" in columns):
                    removed[_COUNTED.get(table, "")] += _delete(
                        cursor, f"delete from {table} where {age} < $before", {"before": _naive(before)}
                    )
        if removed.total():
            self._store.forget_words()
        del removed[""]
        return +removed

    def write_anew(self) -> None:
        """Write the file anew, so that nothing of what was removed is left in it.

        Raises:
            duckdb.Error: the disk is full; the file stays as it is.
        """
        self._store.replace_file(_copy)

    def copy_to(self, path: Path) -> None:
        """Copy the store as it is at one moment into a new file.

        Raises:
            duckdb.Error: the copy cannot be written.
        """
        with self._store.unchanging() as cursor:
            _copy(cursor, path)


def _copy(cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    ((name,),) = cursor.execute("select current_database()").fetchall()
    # A path is no parameter of this statement.
    cursor.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as copied")
    try:
        cursor.execute(f'copy from database "{name}" to copied')
    finally:
        cursor.execute("detach copied")


def _tables(cursor: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    return dict(cursor.execute(_TABLES).fetchall())


def _trace_keys(
    cursor: duckdb.DuckDBPyConnection, tables: dict[str, list[str]], trace_ids: Collection[str]
) -> list[int]:
    """Return the short keys of traces, from the tables that have both."""
    keys: set[int] = set()
    for table, columns in tables.items():
        if {"trace_id", "trace_key"} <= set(columns):
            found = cursor.execute(
                f"select distinct trace_key from {table} where list_contains($ids, trace_id)", {"ids": list(trace_ids)}
            )
            keys |= {key for (key,) in found.fetchall()}
    return sorted(keys)


def _delete(cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object]) -> int:
    ((count,),) = cursor.execute(sql, parameters).fetchall()
    return int(count)


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
