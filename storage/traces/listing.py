"""The list of traces: its filters, its order and its pages."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from storage.traces.parts import SEPARATOR, trace_key
from storage.traces.store import TraceStore
from triage.domain.traces import TraceFilter, TraceNeighbours, TracePage, TraceRow, TraceSort
from triage.errors import InvalidInput

_LISTS = ("agents", "models", "tools", "guardrails")
_ADDED_UP = ("span_count", "error_count", "tool_calls", *_LISTS)
_FIELDS = tuple(field.name for field in fields(TraceRow) if field.name not in _ADDED_UP)
_ROW_FIELDS = ", ".join(_FIELDS)
# No span is older than its run, give or take clocks that differ; the blocks of older ones are not even read.
_SUMS = """
    select trace_key, sum(span_count)::bigint as span_count, sum(error_count)::bigint as error_count,
        sum(tool_calls)::bigint as tool_calls, list(agents) as agents, list(models) as models, list(tools) as tools,
        list(guardrails) as guardrails
    from parts where list_contains($keys, trace_key) and first_at >= $since - interval 1 hour
    group by trace_key
"""
# What other programs did has no run: its parts are added up to what stands in the place of one.
_FOREIGN = """
    select
        trace_id, any_value(trace_key) as trace_key,
        coalesce(max(traces.name), split_part(max(agents), chr(31), 1), split_part(max(tools), chr(31), 1)) as name,
        coalesce(max(parts.conversation_id), max(traces.conversation_id)) as conversation_id,
        if(sum(error_count) > 0, 'failed', 'completed') as status,
        coalesce(sum(cost_usd), 0)::decimal(18, 9) as cost_usd,
        sum(unpriced_calls)::bigint as unpriced_calls, coalesce(sum(input_tokens), 0)::bigint as input_tokens,
        coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
        coalesce(sum(output_tokens), 0)::bigint as output_tokens,
        coalesce(sum(reasoning_tokens), 0)::bigint as reasoning_tokens,
        0::bigint as turns, epoch_ms(max(last_at)) - epoch_ms(min(first_at)) as active_ms, false as degraded,
        min(first_at) as created_at, min(first_at) as started_at, max(last_at) as ended_at
    from parts left join (select trace_id, name, conversation_id from traces) traces using (trace_id)
    where is_foreign
    group by trace_id
"""
_COUNTED = (
    ("agents", "model_calls", "agent"),
    ("models", "model_calls", "model"),
    ("tools", "tool_calls", "tool"),
    ("guardrails", "checks", "guardrail"),
)
_EVERYTHING = TraceFilter()


def list_traces(
    store: TraceStore,
    wanted: TraceFilter = _EVERYTHING,
    *,
    sort: TraceSort = "created_at",
    descending: bool = True,
    limit: int = 50,
    offset: int = 0,
) -> TracePage:
    """Return one page of the traces that the filter finds, newest first unless told otherwise.

    The spans are added up for the traces of the page only, so a page costs the same at any size of the store.

    Raises:
        InvalidInput: ``sort`` is no column that the list can be sorted by.
    """
    _check(sort)
    # First which ones, then all about these: sorting whole rows would take ten times as long. The filter is asked once.
    found = _found(store, wanted, sort=sort)
    order = f"sorted_by {'desc' if descending else 'asc'} nulls last, trace_key"
    page = store.records(
        f"select trace_key, created_at from found order by {order} limit $limit offset $offset",
        {"limit": limit, "offset": offset},
        # What came last is in the store last, and whoever sorts is quickest when the first of the page come first.
        tables={"found": found.take(np.arange(found.num_rows)[::-1]) if descending else found},
    )
    end = offset + len(page)
    return TracePage(
        rows=_rows(store, page),
        total=found.num_rows,
        next_offset=end if page and end < found.num_rows else None,
    )


def find_row(store: TraceStore, trace_id: str) -> TraceRow | None:
    """Return the row of one trace, or None."""
    found = store.records(
        f"""
        select {_ROW_FIELDS} from {_listed(store)} where trace_key = $key and trace_id = $trace_id
        order by created_at desc limit 1
        """,
        {"key": trace_key(trace_id), "trace_id": trace_id},
    )
    rows = _with_sums(store, found)
    return rows[0] if rows else None


def find_neighbours(
    store: TraceStore,
    trace_id: str,
    wanted: TraceFilter = _EVERYTHING,
    *,
    sort: TraceSort = "created_at",
    descending: bool = True,
) -> TraceNeighbours:
    """Return what stands before and after a trace in the list; neither when the filter does not find the trace.

    Raises:
        InvalidInput: ``sort`` is no column that the list can be sorted by.
    """
    _check(sort)
    found = _found(store, wanted, sort=sort)
    key = trace_key(trace_id)
    before = _next_to(store, found, key, descending=not descending, nulls="first")
    after = _next_to(store, found, key, descending=descending, nulls="last")
    ids = {record["trace_key"]: record["trace_id"] for record in _records(store, [*before, *after])}
    # What was erased a moment ago is not there any more.
    one_before, one_after = (
        next((ids.get(place["trace_key"]) for place in places), None) for places in (before, after)
    )
    return TraceNeighbours(before=one_before, after=one_after)


def _next_to(
    store: TraceStore, found: pa.Table, key: int, *, descending: bool, nulls: Literal["first", "last"]
) -> list[dict[str, Any]]:
    """Return the one place of ``_found`` that comes after a trace in an order, if there is one.

    The order of the list has nothing last and then smaller keys first; backwards, both are the other way round.
    """
    further = "<" if descending else ">"
    later = ">" if nulls == "last" else "<"
    return store.records(
        f"""
        with here as (select sorted_by, trace_key from found where trace_key = $key)
        select found.trace_key, found.created_at from found, here
        where (found.sorted_by is null) {later} (here.sorted_by is null)
            or found.sorted_by {further} here.sorted_by
            or (found.sorted_by is not distinct from here.sorted_by and found.trace_key {later} here.trace_key)
        order by
            found.sorted_by {"desc" if descending else "asc"} nulls {nulls},
            found.trace_key {"asc" if nulls == "last" else "desc"}
        limit 1
        """,
        {"key": key},
        tables={"found": found},
    )


def _found(store: TraceStore, wanted: TraceFilter, *, sort: TraceSort) -> pa.Table:
    """Return what the filter finds: ``trace_key``, ``created_at`` and what it is ``sorted_by``."""
    where, parameters, tables = _where(store, wanted)
    return store.table(
        f"select trace_key, created_at, {sort} as sorted_by from {_listed(store)} where {where}",
        parameters,
        tables=tables,
    )


def _records(store: TraceStore, places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the list at some places of ``_found``, in no order."""
    if not places:
        return []
    times = [_stored(place["created_at"]) for place in places]
    return store.records(
        f"""
        select {_ROW_FIELDS}, trace_key from {_listed(store)}
        where list_contains($keys, trace_key) and created_at between $first and $last
        """,
        {"keys": [place["trace_key"] for place in places], "first": min(times), "last": max(times)},
    )


def _rows(store: TraceStore, places: list[dict[str, Any]]) -> list[TraceRow]:
    """Return the rows of the list at some places of ``_found``, in their order."""
    found = {record.pop("trace_key"): record for record in _records(store, places)}
    # What was erased a moment ago is not there any more.
    return _with_sums(store, [found[place["trace_key"]] for place in places if place["trace_key"] in found])


def _listed(store: TraceStore) -> str:
    """Return what the list reads: the runs, and where there are any the traces of other programs."""
    runs = "select *, null::varchar as name from runs"
    if not store.rows("select 1 from parts where is_foreign limit 1"):
        return f"({runs})"
    return f"({runs} union all by name {_FOREIGN})"


def _check(sort: str) -> None:
    if sort not in get_args(TraceSort):
        raise InvalidInput(f"Traces can be sorted by {', '.join(get_args(TraceSort))}.")


def _with_sums(store: TraceStore, found: list[dict[str, Any]]) -> list[TraceRow]:
    if not found:
        return []
    keys = {record["trace_id"]: trace_key(record["trace_id"]) for record in found}
    since = min(_stored(record["created_at"]) for record in found)
    added = store.records(_SUMS, {"keys": list(keys.values()), "since": since})
    sums = {record.pop("trace_key"): record for record in added}
    rows = []
    for record in found:
        added_up = sums.get(keys[record["trace_id"]], {})
        lists = {name: _names(added_up.get(name)) for name in _LISTS}
        rows.append(TraceRow(**{**record, **added_up, **lists}))
    return rows


def _stored(at: datetime) -> datetime:
    """Return a time as the tables have it: compared with one that has a zone, every block would be read."""
    return at.astimezone(UTC).replace(tzinfo=None)


def _names(texts: list[str | None] | None) -> tuple[str, ...]:
    """Return the names in the texts of several parts, each once."""
    return tuple(sorted({name for text in texts or () if text for name in text.split(SEPARATOR)}))


def _where(store: TraceStore, wanted: TraceFilter) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the condition on ``runs``, its parameters, and the tables that it reads besides the store's."""
    conditions = ["true"]
    parameters: dict[str, Any] = {}
    since = "true"
    if wanted.time_range:
        conditions.append("created_at >= $start and created_at < $end")
        parameters |= wanted.time_range.parameters
        # No call is older than its run, give or take clocks that differ; the blocks of older ones are not even read.
        since = "started_at >= $start - interval 1 hour"
    _add_choices(wanted, conditions, parameters, since=since)
    _add_bounds(wanted, conditions, parameters)
    if wanted.customer:
        conditions.append("lower(customer_email) = $customer")
        parameters["customer"] = wanted.customer.strip().lower()
    if wanted.conversation_id:
        conditions.append("conversation_id = $conversation_id")
        parameters["conversation_id"] = wanted.conversation_id
    if wanted.has_error is not None:
        has_error = "(failure_code is not null or trace_key in (select trace_key from parts where error_count > 0))"
        conditions.append(has_error if wanted.has_error else f"not {has_error}")
    tables: dict[str, Any] = {}
    if text := wanted.text.strip().lower():
        has_text, tables = _with_text(store, text)
        conditions.append(has_text)
    return " and ".join(conditions), parameters, tables


def _add_choices(wanted: TraceFilter, conditions: list[str], parameters: dict[str, Any], *, since: str) -> None:
    """Add what must be one of several: words of the run itself, and names that one of its spans has."""
    for name, column in (("statuses", "status"), ("categories", "category")):
        if values := getattr(wanted, name):
            conditions.append(f"list_contains(${name}, {column})")
            parameters[name] = list(values)
    for name, table, column in _COUNTED:
        if values := getattr(wanted, name):
            among = f"select trace_key from {table} where {since} and list_contains(${name}, {column})"
            conditions.append(f"trace_key in ({among})")
            parameters[name] = list(values)


def _add_bounds(wanted: TraceFilter, conditions: list[str], parameters: dict[str, Any]) -> None:
    for name, column in (("cost_usd", "cost_usd"), ("active_ms", "active_ms")):
        for prefix, sign in (("min", ">="), ("max", "<=")):
            value = getattr(wanted, f"{prefix}_{name}")
            if value is not None:
                conditions.append(f"{column} {sign} ${prefix}_{name}")
                parameters[f"{prefix}_{name}"] = value


def _with_text(store: TraceStore, text: str) -> tuple[str, dict[str, Any]]:
    """Return the condition that a trace has all words of a text, or is named by it, with the table that it reads."""
    # The rarest word first: the others are only looked for among its traces.
    rarest_first = sorted(store.traces_with(text), key=len)
    words = {f"word_{number}": table for number, table in enumerate(rarest_first)}
    others = " and ".join(f"trace_key in (select trace_key from {name})" for name in [*words][1:]) or "true"
    has_words = f"select trace_key from word_0 where {others} union all" if words else ""
    # "contains" takes the text as it is: no character of it is a wildcard.
    named = """
        select trace_key from runs
        where $text in (run_id, conversation_id) or contains(lower(customer_email), $text)
        union all select trace_key from parts where trace_key = $key
    """
    matching = store.table(
        f"{has_words} {named}",
        {"text": text, "key": trace_key(text)},
        tables=words,
    )
    return "trace_key in (select trace_key from matching)", {"matching": matching}
