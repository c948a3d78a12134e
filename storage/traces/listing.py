"""The list of traces: its filters, its order and its pages."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

from storage.traces.store import TraceStore
from triage.domain.traces import TraceFilter, TraceNeighbours, TracePage, TraceRow, TraceSort
from triage.errors import InvalidInput

_CLOCKS_DIFFER = "1 hour"
_ADDED_UP = ("name", "span_count", "error_count", "tool_calls", "agents", "models", "tools", "guardrails")
_RUN_FIELDS = ", ".join(field.name for field in fields(TraceRow) if field.name not in _ADDED_UP)
_SPAN_SUMS = """
    select
        trace_id,
        count(*) as span_count,
        count(error) as error_count,
        count(*) filter (kind = 'tool' and not is_paused) as tool_calls,
        coalesce(list_sort(list_distinct(list(agent))), []) as agents,
        coalesce(list_sort(list_distinct(list(model))), []) as models,
        coalesce(list_sort(list_distinct(list(tool))), []) as tools,
        coalesce(list_sort(list_distinct(list(guardrail))), []) as guardrails
    from spans
    where list_contains($trace_ids, trace_id)
    group by trace_id
"""
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
    where, parameters = _where(wanted)
    found = store.records(
        f"""
        select {_RUN_FIELDS}, count(*) over () as total from runs where {where}
        order by {sort} {"desc" if descending else "asc"} nulls last, run_id
        limit $limit offset $offset
        """,
        {**parameters, "limit": limit, "offset": offset},
    )
    totals = [record.pop("total") for record in found]
    if not found:
        totals = [store.rows(f"select count(*) from runs where {where}", parameters)[0][0]]
    end = offset + len(found)
    return TracePage(
        rows=_with_sums(store, found), total=totals[0], next_offset=end if found and end < totals[0] else None
    )


def find_row(store: TraceStore, trace_id: str) -> TraceRow | None:
    """Return the row of one trace, or None."""
    found = store.records(
        f"select {_RUN_FIELDS} from runs where trace_id = $trace_id order by created_at desc limit 1",
        {"trace_id": trace_id},
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
    where, parameters = _where(wanted)
    found = store.rows(
        f"""
        with listed as (
            select trace_id, row_number() over (
                order by {sort} {"desc" if descending else "asc"} nulls last, run_id
            ) as place
            from runs where {where}
        ),
        here as (select place from listed where trace_id = $here)
        select listed.place - here.place, listed.trace_id from listed, here
        where listed.place between here.place - 1 and here.place + 1
        """,
        {**parameters, "here": trace_id},
    )
    beside = dict(found)
    return TraceNeighbours(before=beside.get(-1), after=beside.get(1))


def _check(sort: str) -> None:
    if sort not in get_args(TraceSort):
        raise InvalidInput(f"Traces can be sorted by {', '.join(get_args(TraceSort))}.")


def _with_sums(store: TraceStore, found: list[dict[str, Any]]) -> list[TraceRow]:
    if not found:
        return []
    trace_ids = [record["trace_id"] for record in found]
    added_up = {record.pop("trace_id"): record for record in store.records(_SPAN_SUMS, {"trace_ids": trace_ids})}
    rows = []
    for record in found:
        sums = added_up.get(record["trace_id"], {})
        lists = {name: tuple(sums.get(name, ())) for name in ("agents", "models", "tools", "guardrails")}
        rows.append(TraceRow(**{**record, **sums, **lists}))
    return rows


def _where(wanted: TraceFilter) -> tuple[str, dict[str, Any]]:
    """Return the condition on ``runs`` and its parameters."""
    conditions = ["true"]
    parameters: dict[str, Any] = {}
    since = "true"
    if wanted.time_range:
        conditions.append("created_at >= $start and created_at < $end")
        parameters |= wanted.time_range.parameters
        # No span is older than its run, give or take clocks that differ; the blocks of older ones are not even read.
        since = f"started_at >= $start - interval {_CLOCKS_DIFFER}"
    _add_choices(wanted, conditions, parameters, since=since)
    _add_bounds(wanted, conditions, parameters)
    if wanted.customer:
        conditions.append("lower(customer_email) = $customer")
        parameters["customer"] = wanted.customer.strip().lower()
    if wanted.conversation_id:
        conditions.append("conversation_id = $conversation_id")
        parameters["conversation_id"] = wanted.conversation_id
    if wanted.has_error is not None:
        among = f"select trace_id from spans where {since} and error is not null"
        has_error = f"(failure_code is not null or trace_id in ({among}))"
        conditions.append(has_error if wanted.has_error else f"not {has_error}")
    if text := wanted.text.strip().lower():
        conditions.append(_TEXT_CONDITION.format(since=since))
        parameters["text"] = text
    return " and ".join(conditions), parameters


def _add_choices(wanted: TraceFilter, conditions: list[str], parameters: dict[str, Any], *, since: str) -> None:
    """Add what must be one of several: words of the run itself, and names that one of its spans has."""
    for name, column in (("statuses", "status"), ("categories", "category")):
        if values := getattr(wanted, name):
            conditions.append(f"list_contains(${name}, {column})")
            parameters[name] = list(values)
    for name, column in (("agents", "agent"), ("models", "model"), ("tools", "tool"), ("guardrails", "guardrail")):
        if values := getattr(wanted, name):
            among = f"select trace_id from spans where {since} and list_contains(${name}, {column})"
            conditions.append(f"trace_id in ({among})")
            parameters[name] = list(values)


def _add_bounds(wanted: TraceFilter, conditions: list[str], parameters: dict[str, Any]) -> None:
    for name, column in (("cost_usd", "cost_usd"), ("active_ms", "active_ms")):
        for prefix, sign in (("min", ">="), ("max", "<=")):
            value = getattr(wanted, f"{prefix}_{name}")
            if value is not None:
                conditions.append(f"{column} {sign} ${prefix}_{name}")
                parameters[f"{prefix}_{name}"] = value


# "contains" takes the words as they are: no character of them is a wildcard.
_TEXT_CONDITION = """(
    contains(lower(concat_ws(' ', run_id, trace_id, conversation_id, customer_email, excerpt)), $text)
    or trace_id in (
        select trace_id from spans where {since} and (
            contains(lower(name), $text) or contains(lower(error), $text)
        )
    )
    or trace_id in (select trace_id from span_contents where {since} and contains(lower(content), $text))
)"""
