"""Spool lines as spans of the OpenTelemetry protocol, each with both conventions and our own attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from triage.domain import RunStatus
from triage.tracing.otlp.gen_ai import Attributes, gen_ai_attributes, gen_ai_name
from triage.tracing.otlp.ids import root_id_of, span_id_of, trace_id_of
from triage.tracing.otlp.messages import json_text
from triage.tracing.otlp.openinference import openinference_attributes, side_value

SERVICE_NAME = "triage-console"
MAX_VALUE_LENGTH = 64_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_WORDS: Mapping[str, str] = MappingProxyType({})
_MICROSECOND = timedelta(microseconds=1)
# Columns that go out under our own prefix, by the name that they have there.
OWN_SPAN = {
    "trace_id": "triage.trace_id",
    "span_id": "triage.span_id",
    "parent_id": "triage.parent_id",
    "run_id": "triage.run_id",
    "segment": "triage.segment",
    "kind": "triage.kind",
    "name": "triage.name",
    "guardrail": "triage.guardrail.name",
    "stage": "triage.guardrail.stage",
    "verdict": "triage.guardrail.verdict",
    "triggered": "triage.guardrail.triggered",
    "from_agent": "triage.handoff.from",
    "to_agent": "triage.handoff.to",
    "asked_model": "triage.asked_model",
    "is_retry": "triage.retry",
    "is_fallback": "triage.fallback",
    "is_paused": "triage.paused",
}
OWN_RUN = {
    "trace_id": "triage.trace_id",
    "run_id": "triage.run_id",
    "status": "triage.status",
    "category": "triage.category",
    "urgency": "triage.urgency",
    "segment": "triage.segment",
    "turns": "triage.turns",
    "requests": "triage.model_calls",
    "unpriced_calls": "triage.unpriced_calls",
    "input_tokens": "triage.input_tokens",
    "cached_tokens": "triage.cached_tokens",
    "output_tokens": "triage.output_tokens",
    "active_ms": "triage.active_ms",
    "waiting_ms": "triage.waiting_ms",
    "last_agent": "triage.last_agent",
    "failure_code": "triage.failure_code",
    "trip_guardrail": "triage.guardrail.name",
    "trip_stage": "triage.guardrail.stage",
    "trip_verdict": "triage.guardrail.verdict",
    "degraded": "triage.degraded",
    "retry_of": "triage.retry_of",
}


def span_of(
    row: Mapping[str, Any],
    content: Mapping[str, Any],
    *,
    call_id: str | None = None,
    words: Mapping[str, str] = _NO_WORDS,
) -> Span:
    """Return one finished span; one that stands at the top of a run stands below the span of the run.

    ``words`` are the ``input`` and ``output`` of a trace that has no run, for its top span.

    Raises:
        KeyError, ValueError: the line is not of a span.
    """
    own = _named(row, OWN_SPAN) | _cost(row)
    if row.get("is_model_call") and row.get("cost_usd") is None and row.get("output_tokens") is not None:
        own["triage.unpriced"] = True
    span = _span(
        row,
        name=gen_ai_name(row),
        span_id=span_id_of(row["span_id"]),
        kind=Span.SPAN_KIND_CLIENT if row["kind"] == "model" else Span.SPAN_KIND_INTERNAL,
        times=(row["started_at"], row["ended_at"]),
        attributes=gen_ai_attributes(row, content, call_id=call_id)
        | openinference_attributes(row, content, call_id=call_id)
        | (_top_words(content, words) if words else {})
        | own,
    )
    if row.get("parent_id"):
        span.parent_span_id = span_id_of(row["parent_id"])
    elif row.get("run_id"):
        span.parent_span_id = root_id_of(row["trace_id"])
    if row.get("error_kind"):
        span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=_cut(str(row.get("error") or ""))))
        span.attributes.append(_attribute("error.type", row["error_kind"]))
    elif not row.get("is_paused"):
        span.status.code = Status.STATUS_CODE_OK
    return span


def _top_words(content: Mapping[str, Any], words: Mapping[str, str]) -> Attributes:
    """Return the words of a whole trace in the place of what its top span says itself, which is kept beside them."""
    found = {name: value for side, text in words.items() for name, value in side_value(side, text).items()}
    return found | ({"triage.content": json_text(dict(content))} if content else {})


def root_span_of(run: Mapping[str, Any], content: Mapping[str, Any]) -> Span:
    """Return the span of a whole run that has ended; ``content`` has its ``input`` and ``output`` as far as allowed.

    Raises:
        KeyError, ValueError: the line is not of a run that has ended.
    """
    row = {**run, "kind": "run", "name": "run"}
    span = _span(
        row,
        name=gen_ai_name(row),
        span_id=root_id_of(run["trace_id"]),
        kind=Span.SPAN_KIND_INTERNAL,
        times=(run.get("started_at") or run["created_at"], run["ended_at"]),
        attributes=gen_ai_attributes(row, content)
        | openinference_attributes(row, content)
        | _named(run, OWN_RUN)
        | _cost(run),
    )
    if run["status"] == RunStatus.FAILED:
        code = str(run.get("failure_code") or "failed")
        span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=code))
        span.attributes.append(_attribute("error.type", code))
    elif run["status"] != RunStatus.CANCELLED:
        span.status.code = Status.STATUS_CODE_OK
    return span


def request_of(spans: Iterable[Span]) -> ExportTraceServiceRequest:
    """Return the spans as one request of this console."""
    resource = Resource(
        attributes=[
            _attribute("service.name", SERVICE_NAME),
            _attribute("openinference.project.name", SERVICE_NAME),
        ]
    )
    scope = InstrumentationScope(name="triage.tracing")
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=spans)])]
    )


def _span(
    row: Mapping[str, Any],
    *,
    name: str,
    span_id: bytes,
    kind: Span.SpanKind.ValueType,
    times: tuple[Any, Any],
    attributes: Attributes,
) -> Span:
    start, end = map(nanoseconds, times)
    return Span(
        trace_id=trace_id_of(row["trace_id"]),
        span_id=span_id,
        name=name,
        kind=kind,
        start_time_unix_nano=start,
        end_time_unix_nano=max(start, end),
        attributes=[_attribute(name, value) for name, value in attributes.items()],
    )


def nanoseconds(at: str | datetime) -> int:
    """Return a time as nanoseconds since 1970; one without a zone is UTC.

    Raises:
        ValueError: it is no time, or one before 1970.
    """
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment < _EPOCH:
        raise ValueError("a time before 1970")
    return (moment - _EPOCH) // _MICROSECOND * 1000


def _named(row: Mapping[str, Any], names: Mapping[str, str]) -> Attributes:
    return {name: row[column] for column, name in names.items() if row.get(column) is not None}


def _cost(row: Mapping[str, Any]) -> Attributes:
    """Return the cost twice: as a number to add up, and as the exact amount."""
    if row.get("cost_usd") is None:
        return {}
    exact = Decimal(str(row["cost_usd"]))
    return {"triage.cost_usd": float(exact), "triage.cost": f"{exact:f}"}


def _attribute(name: str, value: Any) -> KeyValue:
    match value:
        case bool():
            return KeyValue(key=name, value=AnyValue(bool_value=value))
        case int():
            return KeyValue(key=name, value=AnyValue(int_value=value))
        case float():
            return KeyValue(key=name, value=AnyValue(double_value=value))
    return KeyValue(key=name, value=AnyValue(string_value=_cut(str(value))))


def _cut(text: str) -> str:
    """Return the text at a length that collectors take, and as one that UTF-8 can hold."""
    if len(text) > MAX_VALUE_LENGTH:
        text = f"{text[:MAX_VALUE_LENGTH]} … [{len(text) - MAX_VALUE_LENGTH} more characters]"
    return text.encode("utf-8", "replace").decode()
