"""What is added up and set apart from spans on their way in, so that no page has to do it when it is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from storage.traces.schema import CALL_COLUMNS, CHECK_COLUMNS, CONTENT_COLUMNS, HANDOFF_COLUMNS, SPAN_COLUMNS, TABLES

SEPARATOR = "\x1f"
"""Between the names in one text; no name has it."""
NAMED = ("agent", "model", "tool", "guardrail")
_TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
_SUMS = ("error_count", "tool_calls", "unpriced_calls", *_TOKENS)


def trace_key(trace_id: str) -> int:
    """Return the number by which the tables find a trace: comparing it takes a fraction of comparing ids."""
    return int.from_bytes(blake2b(trace_id.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)


@dataclass(frozen=True)
class Divided:
    """A batch of spans by table, in the order in which they go in, and the names that occur in it by kind."""

    tables: dict[str, pa.Table]
    names: set[tuple[str, str]]
    parts: int


def divide(spans: pa.Table, *, first_part: int) -> Divided:
    """Return new spans (with their ``content``) as rows of the tables; their parts are numbered from ``first_part``."""
    traces = spans["trace_id"].combine_chunks().dictionary_encode()
    keys = pa.array([trace_key(trace_id) for trace_id in traces.dictionary.to_pylist()], pa.int64())
    part_no = pc.add(traces.indices.cast(pa.int64()), first_part)
    spans = _with(_with(spans, "part_no", part_no), "trace_key", keys.take(traces.indices))
    spans = _with(spans, "is_answered", pc.or_(pc.is_null(spans["error"]), pc.is_valid(spans["output_tokens"])))
    is_call = _true(spans["is_model_call"])
    is_tool, is_check = pc.equal(spans["kind"], "tool"), pc.equal(spans["kind"], "guardrail")
    is_handoff = pc.and_(
        pc.and_(pc.equal(spans["kind"], "handoff"), pc.is_null(spans["error"])),
        pc.and_(pc.is_valid(spans["from_agent"]), pc.is_valid(spans["to_agent"])),
    )
    # The words are most of a batch and are not copied where they are not wanted.
    counted = spans.drop_columns("content")
    return Divided(
        {
            "spans": spans.select(list(SPAN_COLUMNS)),
            "span_contents": _spoken(spans).select(list(CONTENT_COLUMNS)),
            "model_calls": counted.select(list(CALL_COLUMNS)).filter(is_call),
            "tool_calls": _tool_calls(counted.filter(is_tool)),
            "handoffs": counted.select(list(HANDOFF_COLUMNS)).filter(is_handoff),
            "checks": _named(counted.filter(is_check), "guardrail").select(list(CHECK_COLUMNS)),
            "parts": _parts(counted, keys),
        },
        {(kind, name) for kind in NAMED for name in pc.unique(spans[kind]).to_pylist() if name is not None},
        len(keys),
    )


def as_names(found: Iterable[str | None]) -> str | None:
    """Return names as one text, sorted."""
    return SEPARATOR.join(sorted({name for name in found if name is not None})) or None


def _spoken(spans: pa.Table) -> pa.Table:
    """Return the spans that have content; where all have, it is not copied."""
    content = spans["content"]
    return spans.filter(pc.is_valid(content)) if content.null_count else spans


def _tool_calls(calls: pa.Table) -> pa.Table:
    calls = _named(calls, "tool")
    kind = pc.if_else(pc.is_valid(calls["error"]), pc.coalesce(calls["error_kind"], pa.scalar("error")), None)
    calls = _with(calls, "error_kind", kind)
    return _with(calls, "is_paused", _true(calls["is_paused"])).select(list(TABLES["tool_calls"]))


def _parts(spans: pa.Table, keys: pa.Array) -> pa.Table:
    """Return what the batch has of each trace, added up."""
    is_tool_call = pc.and_not(pc.equal(spans["kind"], "tool"), _true(spans["is_paused"]))
    is_unpriced = pc.and_(_true(spans["is_model_call"]), pc.and_(spans["is_answered"], pc.is_null(spans["cost_usd"])))
    counted = {
        "error_count": pc.is_valid(spans["error"]).cast(pa.int64()),
        "tool_calls": is_tool_call.cast(pa.int64()),
        "unpriced_calls": is_unpriced.cast(pa.int64()),
    }
    for name, column in counted.items():
        spans = _with(spans, name, column)
    found = spans.group_by("part_no").aggregate(
        [("started_at", "min"), ("ended_at", "max"), ("span_id", "count"), ("cost_usd", "sum")]
        + [(name, "max") for name in ("trace_id", "run_id", "conversation_id")]
        + [(name, "sum") for name in _SUMS]
        + [(name, "distinct") for name in NAMED]
    )
    found = found.sort_by("part_no")
    columns: dict[str, Any] = {
        "part_no": found["part_no"],
        "trace_key": keys,
        "first_at": found["started_at_min"],
        "last_at": found["ended_at_max"],
        "span_count": found["span_id_count"],
        "is_foreign": pc.is_null(found["run_id_max"]),
        "cost_usd": found["cost_usd_sum"],
        **{name: found[f"{name}_max"] for name in ("trace_id", "run_id", "conversation_id")},
        **{name: found[f"{name}_sum"] for name in _SUMS},
        **{f"{name}s": pa.array(map(as_names, found[f"{name}_distinct"].to_pylist())) for name in NAMED},
    }
    kinds = {name: kind for name, (_, kind) in TABLES["parts"].items()}
    return pa.table({name: columns[name].cast(stored_kind(kind)) for name, kind in kinds.items()})


def _named(table: pa.Table, column: str) -> pa.Table:
    """Return the table with the name of the span where the column has none."""
    return _with(table, column, pc.coalesce(table[column], table["name"]))


def _with(table: pa.Table, name: str, column: Any) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.append_column(name, column) if place < 0 else table.set_column(place, name, column)


def _true(column: Any) -> Any:
    return pc.fill_null(column, False)  # noqa: FBT003 - what takes the place of NULL.


def stored_kind(kind: Any) -> Any:
    """Return the Arrow type as which DuckDB takes a value: it would turn a time with a zone by its own."""
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind
