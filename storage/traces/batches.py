"""Typed batches: spool lines and rows as Arrow tables, which DuckDB reads without a detour through Python objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.json  # type: ignore[import-untyped]

from storage.traces.schema import SPAN_COLUMNS, TABLES

PriceCalls = Callable[[list[dict[str, Any]]], None]

# Columns that the store computes itself.
_COMPUTED = ("duration_ms", "cost_usd")
_PRICED_BY = (
    "asked_model",
    "model",
    "started_at",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
)
_LINE_SCHEMA = pa.schema(
    [
        (name, pa.string() if pa.types.is_timestamp(kind) else kind)
        for name, (_, kind) in SPAN_COLUMNS.items()
        if name not in _COMPUTED
    ]
    # Two that say how a line comes in and what it cost, but are not kept.
    + [("is_replay", pa.bool_()), ("asked_model", pa.string())]
)
# Times are ISO 8601 text with an offset until here. A cast to a plain timestamp would ignore the offset.
_UTC = "({}::timestamptz at time zone 'UTC')"
SPANS_FROM_LINES = "select {} from {{view}}".format(  # noqa: S608 - made of constants.
    ", ".join(
        f"{_UTC.format(name)} as {name}" if kind == "timestamp" else name
        for name, (kind, _) in SPAN_COLUMNS.items()
        if name not in _COMPUTED
    )
    + ", cost_usd, (epoch_us(ended_at::timestamptz) - epoch_us(started_at::timestamptz)) / 1000.0 as duration_ms"
)


def read_span_lines(lines: Sequence[bytes], *, price: PriceCalls) -> pa.Table:
    """Return JSON lines with the columns of ``spans`` as keys, and what each model call cost.

    ``price`` gets the model calls as rows (``asked_model`` by the settings, ``model`` by the server, ``started_at``
    as text, tokens) and adds ``cost_usd`` to each.

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
    return table.append_column("cost_usd", _costs(table, price=price))


def split_replayed(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the fresh spans, and of the replayed ones the first of each id."""
    flags = table["is_replay"]
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
    for name, (_, kind) in TABLES[table].items():
        values = [row.get(name) for row in rows]
        if pa.types.is_decimal(kind):
            values = [None if value is None else _nano_dollars(value) for value in values]
        column = pa.array(values, kind)
        # DuckDB would turn a time with zone by the zone of the connection; without one it is taken as it stands.
        columns[name] = column.cast(pa.timestamp("us")) if pa.types.is_timestamp(kind) else column
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


def _costs(table: pa.Table, *, price: PriceCalls) -> pa.Array:
    """Return the cost of each span, NULL for what is no model call or has no price."""
    costs: list[Decimal | None] = [None] * len(table)
    calls = pa.array(range(len(table)), pa.int64()).filter(table["is_model_call"].combine_chunks())
    if len(calls):
        rows = table.select(_PRICED_BY).take(calls).to_pylist()
        price(rows)
        for position, row in zip(calls.to_pylist(), rows, strict=True):
            cost = row.get("cost_usd")
            costs[position] = None if cost is None else _nano_dollars(cost)
    return pa.array(costs, SPAN_COLUMNS["cost_usd"][1])


def _nano_dollars(value: Decimal | str) -> Decimal:
    """Return the amount with the nine digits that the column keeps."""
    return Decimal(value).quantize(Decimal("1e-9"))
