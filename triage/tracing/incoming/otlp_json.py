"""Spans of the OpenTelemetry protocol in JSON as records of ours; those that a console sent come back as they were."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from triage.errors import InvalidInput
from triage.tracing.incoming.otlp_content import content_from, kind_of
from triage.tracing.otlp.ids import (
    SPAN_BYTES,
    TRACE_BYTES,
    root_id_of,
    sdk_span_id,
    sdk_trace_id,
    span_id_of,
    trace_id_of,
)
from triage.tracing.otlp.spans import OWN_RUN, OWN_SPAN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_MICROSECONDS = 2**53
_IDS = (("traceId", TRACE_BYTES), ("spanId", SPAN_BYTES), ("parentSpanId", SPAN_BYTES))
_FIRST_OF = {
    "agent": ("gen_ai.agent.name", "agent.name"),
    "model": ("gen_ai.response.model", "llm.model_name", "gen_ai.request.model"),
    "tool": ("gen_ai.tool.name", "tool.name"),
    "conversation_id": ("gen_ai.conversation.id", "session.id"),
    "input_tokens": ("gen_ai.usage.input_tokens", "llm.token_count.prompt", "gen_ai.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.output_tokens", "llm.token_count.completion", "gen_ai.usage.completion_tokens"),
    "cached_tokens": ("gen_ai.usage.cache_read.input_tokens", "llm.token_count.prompt_details.cache_read"),
    "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning"),
}


def spans_in(request: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the spans of a request as it stands in the file.

    Raises:
        InvalidInput: it is no list of lists of spans.
    """
    for whole in _list(request, "resourceSpans", "resource_spans"):
        for one in _list(whole, "scopeSpans", "scope_spans"):
            yield from _list(one, "spans")


def records_of(written: Any) -> list[dict[str, Any]]:
    """Return a span as the records that it becomes: the span, or the run or trace that it stands for.

    Raises:
        InvalidInput: it is no span.
    """
    span = _parsed(written)
    said = {item.key: _plain(item.value) for item in span.attributes}
    trace_id = _own(said.get("triage.trace_id"), span.trace_id, as_bytes=trace_id_of)
    trace_id = trace_id or sdk_trace_id(span.trace_id.hex())
    times = {"started_at": _moment(span.start_time_unix_nano), "ended_at": _moment(span.end_time_unix_nano)}
    if "triage.status" in said and span.span_id == root_id_of(trace_id):
        return [_run(said, trace_id=trace_id, times=times)]
    row = _span(span, said, trace_id=trace_id) | times
    if row.get("parent_id") is None and row.get("run_id") is None:
        named = {"name": span.name, "conversation_id": row.get("conversation_id"), "started_at": times["started_at"]}
        return [row, {"type": "trace", "trace_id": trace_id, **named}]
    return [row]


def _parsed(written: Any) -> Span:
    if not isinstance(written, Mapping):
        raise InvalidInput("It is no span.")
    given = dict(written)
    for name, size in _IDS:
        given[name] = _id(given.pop(_snake(name), None) or given.get(name) or "", size=size)
    try:
        span: Span = ParseDict(given, Span(), ignore_unknown_fields=True, max_recursion_depth=50)
    except (ParseError, ValueError, TypeError, RecursionError):
        raise InvalidInput("It is no span of the OpenTelemetry protocol.") from None
    if not span.trace_id or not span.span_id:
        raise InvalidInput("It has no trace or span id.")
    return span


def _id(text: Any, *, size: int) -> str:
    """Return an id as base64, which the parser wants; files have hexadecimal digits, and some base64."""
    try:
        is_hexadecimal = len(text) == 2 * size
        found = bytes.fromhex(text) if is_hexadecimal else base64.b64decode(text, validate=True)
    except (ValueError, TypeError, binascii.Error):
        found = b"?"
    if found and len(found) != size:
        raise InvalidInput("Its ids are no ids of OpenTelemetry.")
    return base64.b64encode(found).decode()


def _own(name: Any, found: bytes, *, as_bytes: Any) -> str | None:
    """Return the id that a span had here, where it really is the one that went out."""
    return name if isinstance(name, str) and found and as_bytes(name) == found else None


def _span(span: Span, said: dict[str, Any], *, trace_id: str) -> dict[str, Any]:
    kind = kind_of(said)
    row: dict[str, Any] = {column: said[name] for column, name in OWN_SPAN.items() if said.get(name) is not None}
    row |= {
        "type": "span",
        "trace_id": trace_id,
        "span_id": _own(said.get("triage.span_id"), span.span_id, as_bytes=span_id_of)
        or sdk_span_id(span.span_id.hex()),
        "kind": kind,
        "name": said.get("triage.name") or span.name or kind,
    }
    row["parent_id"] = None
    if span.parent_span_id and span.parent_span_id != root_id_of(trace_id):
        above = _own(said.get("triage.parent_id"), span.parent_span_id, as_bytes=span_id_of)
        row["parent_id"] = above or sdk_span_id(span.parent_span_id.hex())
    for column, names in _FIRST_OF.items():
        if (found := next((said[name] for name in names if said.get(name) is not None), None)) is not None:
            row[column] = found
    row |= _of_kind(kind, said)
    if span.status.code == Status.STATUS_CODE_ERROR:
        row["error_kind"] = str(said.get("error.type") or "error")
        row["error"] = span.status.message or row["error_kind"]
    row["content"] = content_from(kind, said) or None
    return row


def _of_kind(kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that only some kinds have; a cost that is not told is looked up by the trace store."""
    if kind == "model":
        cost = said.get("triage.cost", said.get("llm.cost.total"))
        # A float has digits that nobody meant; a millionth of a cent is kept.
        priced = {"cost_usd": f"{cost:.9f}" if isinstance(cost, float) else cost}
        return {"is_model_call": True, **(priced if cost is not None or said.get("triage.unpriced") else {})}
    if kind == "guardrail":
        return {"guardrail": said.get("triage.guardrail.name")}
    return {}


def _run(said: Mapping[str, Any], *, trace_id: str, times: dict[str, str]) -> dict[str, Any]:
    row = {column: said[name] for column, name in OWN_RUN.items() if said.get(name) is not None}
    words = said.get("input.value")
    return row | {
        "type": "run",
        "trace_id": trace_id,
        "conversation_id": said.get("session.id"),
        "customer_email": said.get("user.id"),
        "excerpt": words[:160] if isinstance(words, str) else None,
        "cost_usd": said.get("triage.cost"),
        "created_at": times["started_at"],
        **times,
    }


def _plain(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: _plain(item.value) for item in value.kvlist_value.values}
        case "bytes_value":
            return f"<{len(value.bytes_value)} bytes>"
        case name:
            return getattr(value, name)


def _moment(nanoseconds: int) -> str:
    microseconds = nanoseconds // 1000
    if not 0 < microseconds < _MAX_MICROSECONDS:
        raise InvalidInput("It has no start or end.")
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()


def _list(holder: Any, *names: str) -> list[Any]:
    if not isinstance(holder, Mapping):
        raise InvalidInput("It is no request of the OpenTelemetry protocol.")
    found: Any = next((holder[name] for name in names if name in holder), [])
    if not isinstance(found, list):
        raise InvalidInput("It is no request of the OpenTelemetry protocol.")
    return found


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
