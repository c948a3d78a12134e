"""One trace: its spans as a tree, and what each of them says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import orjson

from storage.traces.places import one_of_parts, parts_of
from storage.traces.store import TraceStore
from triage.domain.traces import SpanRow
from triage.errors import NotFound

_SPAN_FIELDS = ", ".join(field.name for field in fields(SpanRow) if field.name not in ("content", "depth"))
_FLAGS = ("is_model_call", "is_retry", "is_fallback", "is_paused")


def get_trace(store: TraceStore, trace_id: str, *, with_content: bool = True) -> list[SpanRow]:
    """Return the spans of a trace in the order of its tree, each below its parent.

    Raises:
        NotFound: the store has no span of that trace.
    """
    parts = one_of_parts(parts_of(store, trace_id))
    found = store.records(
        f"""
        select {_SPAN_FIELDS} from spans where {parts} and trace_id = $trace_id
        order by started_at, ended_at desc, span_id
        """,
        {"trace_id": trace_id},
    )
    if not found:
        raise NotFound("There is no trace with that id; it may have been written before tracing was on.")
    contents = _contents(store, trace_id, parts) if with_content else {}
    return in_tree_order([_span_row(record, contents.get(record["span_id"])) for record in found])


def get_content(store: TraceStore, trace_id: str, span_id: str) -> dict[str, Any]:
    """Return what one span says; empty where it says nothing or its words are no longer kept."""
    parts = one_of_parts(parts_of(store, trace_id))
    found = store.rows(
        f"select content from span_contents where {parts} and trace_id = $trace_id and span_id = $span_id",
        {"trace_id": trace_id, "span_id": span_id},
    )
    return _parsed(found[0][0]) if found else {}


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


def _contents(store: TraceStore, trace_id: str, parts: str) -> dict[str, str]:
    found = store.rows(
        f"select span_id, content from span_contents where {parts} and trace_id = $trace_id",
        {"trace_id": trace_id},
    )
    return dict(found)


def _span_row(record: dict[str, Any], content: str | None) -> SpanRow:
    record |= {name: bool(record[name]) for name in _FLAGS}
    record["content_bytes"] = record["content_bytes"] or 0
    return SpanRow(**record, content={} if content is None else _parsed(content))


def _parsed(content: str) -> dict[str, Any]:
    parsed = orjson.loads(content)
    return parsed if isinstance(parsed, dict) else {"content": parsed}
