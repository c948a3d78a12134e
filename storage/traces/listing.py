"""The list of traces: its filters, its order and its pages."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import pyarrow as pa  # type: ignore[import-untyped]

from storage.traces.parts import SEPARATOR, trace_key
from storage.traces.store import TraceStore
from triage.domain.traces import TraceFilter, TraceNeighbours, TracePage, TraceRow, TraceSort
from triage.errors import InvalidInput

_LISTS = ("agents", "models", "tools", "guardrails")
_ADDED_UP = ("span_count", "error_count", "tool_calls", *_LISTS)
_FIELDS = tuple(field.name for field in fields(TraceRow) if field.name not in _ADDED_UP)
_ROW_FIELDS = ", ".join(_FIELDS)
_SUMS = """
    select trace_key, sum(span_count)::bigint as span_count, sum(error_count)::bigint as error_count,
        sum(tool_calls)::bigint as tool_calls, list(agents) as agents, list(models) as models, list(tools) as tools,
        list(guardrails) as guardrails
    from parts where list_contains($keys, trace_key)
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
    where, parameters, tables = _where(store, wanted)
    listed = _listed(store)
    (counted,) = store.records(f"select count(*) as total from {listed} where {where}", parameters, tables=tables)
    # First which ones, then all about these: sorting whole rows would take ten times as long.
    order = f"{sort} {'desc' if descending else 'asc'} nulls last, trace_id"
    keys = store.records(
        f"select trace_key from {listed} where {where} order by {order} limit $limit offset $offset",
        {**parameters, "limit": limit, "offset": offset},
        tables=tables,
    )
    found = store.records(
        f"select {_ROW_FIELDS} from {listed} where list_contains($keys, trace_key) order by {order}",
        {"keys": [record["trace_key"] for record in keys]},
    )
    end = offset + len(keys)
    return TracePage(
        rows=_with_sums(store, found),
        total=counted["total"],
        next_offset=end if keys and end < counted["total"] else None,
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
    where, parameters, tables = _where(store, wanted)
    found = store.records(
        f"""
        with listed as (
            select trace_id, row_number() over (
                order by {sort} {"desc" if descending else "asc"} nulls last, trace_id
            ) as place
            from {_listed(store)} where {where}
        ),
        here as (select place from listed where trace_id = $here)
        select listed.place - here.place as distance, listed.trace_id from listed, here
        where listed.place between here.place - 1 and here.place + 1
        """,
        {**parameters, "here": trace_id},
        tables=tables,
    )
    beside = {record["distance"]: record["trace_id"] for record in found}
    return TraceNeighbours(before=beside.get(-1), after=beside.get(1))


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
    sums = {record.pop("trace_key"): record for record in store.records(_SUMS, {"keys": list(keys.values())})}
    rows = []
    for record in found:
        added_up = sums.get(keys[record["trace_id"]], {})
        lists = {name: _names(added_up.get(name)) for name in _LISTS}
        rows.append(TraceRow(**{**record, **added_up, **lists}))
    return rows


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
    words = {f"word_{number}": table for number, table in enumerate(store.parts_with(text))}
    has_words = " intersect ".join(
        f"select trace_key from parts where part_no in (select part_no from {name})" for name in words
    )
    # "contains" takes the text as it is: no character of it is a wildcard.
    named = """
        select trace_key from runs
        where $text in (run_id, conversation_id) or contains(lower(customer_email), $text)
        union all select trace_key from parts where trace_key = $key
    """
    # Once here, because the list asks twice: how many, and which.
    keys = store.column(
        f"({has_words}) union all {named}" if words else named,
        {"text": text, "key": trace_key(text)},
        tables=words,
    )
    return "trace_key in (select trace_key from matching)", {"matching": pa.table({"trace_key": keys})}
