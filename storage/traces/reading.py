"""Reading traces: the list with its filters, and one trace as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args

import orjson

from storage.traces.schema import SPAN_COLUMNS
from storage.traces.store import TraceStore
from storage.traces.values import SpanRow, TraceFilter, TracePage, TraceSort, TraceSummary
from triage.errors import InvalidInput, NotFound

_CLOCKS_DIFFER = "1 hour"
_AGGREGATES = ("span_count", "error_count", "tool_calls", "agents", "models")
_RUN_FIELDS = ", ".join(field.name for field in fields(TraceSummary) if field.name not in _AGGREGATES)
_SPAN_AGGREGATES = """
    select
        trace_id,
        count(*) as span_count,
        count(error) as error_count,
        count(*) filter (kind = 'tool' and not is_paused) as tool_calls,
        coalesce(list_sort(list_distinct(list(agent))), []) as agents,
        coalesce(list_sort(list_distinct(list(model))), []) as models
    from spans
    where list_contains($trace_ids, trace_id)
    group by trace_id
"""


def list_traces(
    store: TraceStore,
    trace_filter: TraceFilter | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
    sort: TraceSort = "created_at",
    descending: bool = True,
) -> TracePage:
    """Return one page of the runs that the filter finds, newest first unless told otherwise.

    The spans are added up for the runs of the page only, so a page costs the same at any size of the store.

    Raises:
        InvalidInput: ``sort`` is no column that the list can be sorted by.
    """
    if sort not in get_args(TraceSort):
        raise InvalidInput(f"Traces can be sorted by {', '.join(get_args(TraceSort))}.")
    where, parameters = _where(trace_filter or TraceFilter())
    # The total comes along in each row, because a search through the spans is too dear to be made twice.
    found = store.records(
        f"""
        select {_RUN_FIELDS}, count(*) over () as total from runs where {where}
        order by {sort} {"desc" if descending else "asc"} nulls last, run_id
        limit $limit offset $offset
        """,  # noqa: S608 - made of constants; every value is a parameter.
        {**parameters, "limit": limit, "offset": offset},
    )
    totals = [record.pop("total") for record in found]
    if not found and offset:
        totals = [store.rows(f"select count(*) from runs where {where}", parameters)[0][0]]  # noqa: S608 - constants.
    return TracePage(items=_with_aggregates(store, found), total=totals[0] if totals else 0)


def get_trace(store: TraceStore, trace_id: str) -> list[SpanRow]:
    """Return the spans of a trace in the order of its tree, each below its parent.

    Raises:
        NotFound: the store has no span of that trace.
    """
    columns = ", ".join(SPAN_COLUMNS)
    found = store.records(
        f"select {columns} from spans where trace_id = $trace_id order by started_at, ended_at desc, span_id",  # noqa: S608
        {"trace_id": trace_id},
    )
    if not found:
        raise NotFound("There is no trace with that id; it may have been written before tracing was on.")
    return in_tree_order([_span_row(record) for record in found])


def find_summary(store: TraceStore, trace_id: str) -> TraceSummary | None:
    """Return the run of a trace with what its spans add up to, or None."""
    found = store.records(
        f"select {_RUN_FIELDS} from runs where trace_id = $trace_id order by created_at desc limit 1",  # noqa: S608
        {"trace_id": trace_id},
    )
    summaries = _with_aggregates(store, found)
    return summaries[0] if summaries else None


def in_tree_order(spans: Sequence[SpanRow]) -> list[SpanRow]:
    """Return the spans depth first with their ``depth``; the order among siblings stays.

    A span whose parent is missing (its process was killed before the parent ended) stands at the top, and so does the
    first of spans that are each other's parents, as broken imports may have them.
    """
    known = {span.span_id for span in spans}
    children: dict[str | None, list[SpanRow]] = {}
    for span in spans:
        children.setdefault(span.parent_id if span.parent_id in known else None, []).append(span)
    ordered: dict[str, SpanRow] = {}
    for top in [*children.get(None, []), *spans]:
        waiting = [(top, 0)]
        while waiting:
            span, depth = waiting.pop()
            if span.span_id not in ordered:
                ordered[span.span_id] = _at_depth(span, depth)
                waiting.extend((child, depth + 1) for child in reversed(children.get(span.span_id, [])))
    return list(ordered.values())


def _at_depth(span: SpanRow, depth: int) -> SpanRow:
    return span if depth == span.depth else SpanRow(**{**span.__dict__, "depth": depth})


def _span_row(record: dict[str, Any]) -> SpanRow:
    content = record.pop("content")
    record |= {name: bool(record[name]) for name in ("is_model_call", "is_paused")}
    return SpanRow(**record, content={} if content is None else orjson.loads(content))


def _with_aggregates(store: TraceStore, found: list[dict[str, Any]]) -> list[TraceSummary]:
    if not found:
        return []
    trace_ids = [record["trace_id"] for record in found]
    added_up = {record.pop("trace_id"): record for record in store.records(_SPAN_AGGREGATES, {"trace_ids": trace_ids})}
    summaries = []
    for record in found:
        sums = added_up.get(record["trace_id"], {})
        lists = {name: tuple(sums.get(name, ())) for name in ("agents", "models")}
        summaries.append(TraceSummary(**{**record, **sums, **lists}))
    return summaries


def _where(trace_filter: TraceFilter) -> tuple[str, dict[str, Any]]:
    """Return the condition on ``runs`` and its parameters."""
    conditions = ["true"]
    parameters: dict[str, Any] = {}
    among = "select trace_id from spans where true"
    if trace_filter.time_range:
        conditions.append("created_at >= $start and created_at < $end")
        parameters |= trace_filter.time_range.parameters
        # No span is older than its run, give or take clocks that differ; the blocks of older ones are not even read.
        among = f"select trace_id from spans where started_at >= $start - interval {_CLOCKS_DIFFER}"  # noqa: S608
    if trace_filter.statuses:
        conditions.append("list_contains($statuses, status)")
        parameters["statuses"] = list(trace_filter.statuses)
    for name in ("agent", "model", "tool"):
        if value := getattr(trace_filter, name):
            conditions.append(f"trace_id in ({among} and {name} = ${name})")
            parameters[name] = value
    if trace_filter.min_cost_usd is not None:
        conditions.append("cost_usd >= $min_cost_usd")
        parameters["min_cost_usd"] = trace_filter.min_cost_usd
    if trace_filter.min_active_ms is not None:
        conditions.append("active_ms >= $min_active_ms")
        parameters["min_active_ms"] = trace_filter.min_active_ms
    if trace_filter.errors_only:
        conditions.append(f"(failure_code is not null or trace_id in ({among} and error is not null))")
    if text := trace_filter.text.strip().lower():
        conditions.append(_TEXT_CONDITION.format(among=among))
        parameters["text"] = text
    return " and ".join(conditions), parameters


# "contains" takes the words as they are: no character of them is a wildcard.
_TEXT_CONDITION = """(
    contains(lower(concat_ws(' ', run_id, trace_id, conversation_id, customer_email, excerpt)), $text)
    or trace_id in (
        {among} and (
            contains(lower(content::varchar), $text) or contains(lower(name), $text) or contains(lower(error), $text)
        )
    )
)"""
