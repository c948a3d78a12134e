"""Typed batches: spool lines and rows as Arrow tables with the columns of the store, which DuckDB takes as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.json  # type: ignore[import-untyped]

from storage.traces.parts import trace_key
from storage.traces.schema import SPAN_COLUMNS, TABLES

PriceCalls = Callable[[list[dict[str, Any]]], None]

_PRICED_BY = (
    "asked_model",
    "model",
    "started_at",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
)
_COMPUTED = ("duration_ms", "content_bytes", "part_no")
_LINE_SCHEMA = pa.schema(
    [(name, kind) for name, (_, kind) in SPAN_COLUMNS.items() if name not in _COMPUTED]
    + [("content", pa.string())]
    # Two that say how a line comes in and whether it has its cost, but are not kept.
    + [("is_replay", pa.bool_()), ("is_priced", pa.bool_())]
)
# DuckDB would turn a time with zone by the zone of the connection; without one it is taken as it stands.
_STORED_TIME = pa.timestamp("us")


def read_span_lines(lines: Sequence[bytes], *, price: PriceCalls) -> pa.Table:
    """Return JSON lines, one or more in each piece, with the columns of ``spans``, ``content`` and ``is_replay``.

    A line has its columns as keys. A model call with ``is_priced`` has the ``cost_usd`` that its run counts, or none;
    ``price`` gets the others as rows (``asked_model`` by the settings, ``model`` by the server, ``started_at``, tokens)
    and adds ``cost_usd`` to each.

    Raises:
        pa.ArrowException: a line is no JSON object, or a value is not of its column's type.
    """
    text = b"".join(lines)
    table = pyarrow.json.read_json(
        pa.BufferReader(text),
        # One block, because a line must not reach over the end of one; one thread, because the other core is the run's.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=_LINE_SCHEMA, unexpected_field_behavior="ignore"),
    )
    table = _with_costs(table, price=price)
    times = {name: table[name].cast(_STORED_TIME) for name in ("started_at", "ended_at")}
    microseconds = pc.subtract(times["ended_at"], times["started_at"]).cast(pa.int64())
    computed = {
        **times,
        "duration_ms": pc.divide(microseconds.cast(pa.float64()), 1000.0),
        "content_bytes": pc.binary_length(table["content"]).cast(pa.int64()),
    }
    names = [name for name in (*SPAN_COLUMNS, "content", "is_replay") if name != "part_no"]
    return pa.table({name: computed[name] if name in computed else table[name] for name in names})


def split_replayed(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the fresh spans, and of the replayed ones the first of each id, both without the flag."""
    flags = table["is_replay"]
    table = table.drop_columns("is_replay")
    if flags.null_count == len(flags):
        return table, table.slice(0, 0)
    fresh: list[int] = []
    first: dict[str, int] = {}
    for position, (is_replay, span_id) in enumerate(zip(flags.to_pylist(), table["span_id"].to_pylist(), strict=True)):
        if is_replay:
            first.setdefault(span_id, position)
        else:
            fresh.append(position)
    return table.take(pa.array(fresh, pa.int64())), table.take(pa.array(list(first.values()), pa.int64()))


def rows_as_table(rows: Sequence[Mapping[str, Any]], *, table: str) -> pa.Table:
    """Return rows by column name as a table; a missing value is NULL."""
    columns = {}
    if table == "runs":
        rows = [{**row, "trace_key": trace_key(row["trace_id"])} for row in rows]
    for name, (_, kind) in TABLES[table].items():
        values = [row.get(name) for row in rows]
        if pa.types.is_decimal(kind):
            values = [None if value is None else _nano_dollars(value) for value in values]
        column = pa.array(values, kind)
        columns[name] = column.cast(_STORED_TIME) if pa.types.is_timestamp(kind) else column
    return pa.table(columns)


def first_by(rows: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """Return the first row of each value of a column; much cheaper here than as a window in SQL."""
    found: dict[Any, Mapping[str, Any]] = {}
    for row in rows:
        found.setdefault(row.get(name), row)
    return list(found.values())


def latest_runs(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return each run's version with the latest ``updated_at``, the later row among equal ones."""
    found: dict[Any, Mapping[str, Any]] = {}
    for row in rows:
        known = found.get(row.get("run_id"))
        if known is None or row["updated_at"] >= known["updated_at"]:
            found[row.get("run_id")] = row
    return list(found.values())


def _with_costs(table: pa.Table, *, price: PriceCalls) -> pa.Table:
    """Return the spans with the costs of the model calls that came without one; NULL stays what has no price."""
    is_call = pc.fill_null(table["is_model_call"].combine_chunks(), False)  # noqa: FBT003 - what takes the place of NULL.
    is_open = pc.and_not(is_call, pc.fill_null(table["is_priced"].combine_chunks(), False))  # noqa: FBT003
    calls = table.select(_PRICED_BY).filter(is_open).to_pylist()
    if not calls:
        return table
    price(calls)
    costs = [None if (cost := call.get("cost_usd")) is None else _nano_dollars(cost) for call in calls]
    place = table.schema.get_field_index("cost_usd")
    kind = table.schema.field(place)
    return table.set_column(place, kind, pc.replace_with_mask(table[place], is_open, pa.array(costs, kind.type)))


def _nano_dollars(value: Decimal | str) -> Decimal:
    """Return the amount with the nine digits that the column keeps."""
    return Decimal(value).quantize(Decimal("1e-9"))
