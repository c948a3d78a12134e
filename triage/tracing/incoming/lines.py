"""What a span, a run or a trace from elsewhere has to look like, and the spool line that it becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from triage.domain import Category, RunStatus, Urgency
from triage.errors import InvalidInput
from triage.redaction.redact import redact, redact_text
from triage.tracing.content import to_json, to_line

# No run of this desk is older, so an imported one never takes the place of one from here.
NEVER_NEWER = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2190, 1, 1, tzinfo=UTC)


def _within_our_time(value: Any) -> Any:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        if not _OLDEST <= value < _LATEST:
            raise ValueError("not between 1990 and 2190")
    return value


def _without_zeros(value: Any) -> Any:
    return value.replace("\x00", "�") if isinstance(value, str) else value


Word = Annotated[str, BeforeValidator(_without_zeros), Field(max_length=500)]
Id = Annotated[str, BeforeValidator(_without_zeros), Field(min_length=1, max_length=200)]
Text = Annotated[str, BeforeValidator(_without_zeros), Field(max_length=100_000)]
Moment = Annotated[AwareDatetime, BeforeValidator(_within_our_time)]
Count = Annotated[int, Field(ge=0, le=10**15)]
Cost = Annotated[Decimal, Field(ge=0, lt=10**8, allow_inf_nan=False)]


class _Line(BaseModel):
    """A line; what else it has is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SpanLine(_Line):
    """One finished span, by the columns of the trace store."""

    trace_id: Id
    span_id: Id
    parent_id: Id | None = None
    run_id: Id | None = None
    conversation_id: Id | None = None
    segment: Annotated[int, Field(ge=0, le=10**6)] | None = None
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    name: Word
    agent: Word | None = None
    model: Word | None = None
    asked_model: Word | None = None
    tool: Word | None = None
    guardrail: Word | None = None
    stage: Word | None = None
    verdict: Word | None = None
    triggered: bool | None = None
    from_agent: Word | None = None
    to_agent: Word | None = None
    started_at: Moment
    ended_at: Moment
    input_tokens: Count | None = None
    cached_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    cost_usd: Cost | None = None
    is_model_call: bool | None = None
    is_retry: bool | None = None
    is_fallback: bool | None = None
    is_paused: bool | None = None
    error_kind: Word | None = None
    error: Text | None = None
    content: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_content(cls, value: Any) -> Any:
        """Take the content as JSON text, too: the spool has it so."""
        if isinstance(value, dict) and isinstance(value.get("content"), str):
            return {**value, "content": orjson.loads(value["content"])}
        return value

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> SpanLine:
        if self.ended_at < self.started_at:
            raise ValueError("ended_at is before started_at")
        return self


class TraceLine(_Line):
    """A trace that no run stands for."""

    trace_id: Id
    name: Word | None = None
    conversation_id: Id | None = None
    started_at: Moment


class RunLine(_Line):
    """One run of a console, by the columns of the trace store."""

    run_id: Id
    trace_id: Id
    conversation_id: Id | None = None
    customer_email: Word | None = None
    excerpt: Annotated[str, BeforeValidator(_without_zeros), Field(max_length=1000)] | None = None
    status: RunStatus
    segment: Annotated[int, Field(ge=0, le=10**6)] | None = None
    category: Category | None = None
    urgency: Urgency | None = None
    last_agent: Word | None = None
    cost_usd: Cost | None = None
    unpriced_calls: Count | None = None
    requests: Count | None = None
    input_tokens: Count | None = None
    cached_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    turns: Count | None = None
    active_ms: Count | None = None
    waiting_ms: Count | None = None
    trip_guardrail: Word | None = None
    trip_stage: Word | None = None
    trip_verdict: Word | None = None
    failure_code: Word | None = None
    degraded: bool | None = None
    is_rerouted: bool | None = None
    retry_of: Id | None = None
    created_at: Moment
    started_at: Moment | None = None
    first_event_at: Moment | None = None
    ended_at: Moment | None = None


_KINDS: dict[str, type[_Line]] = {"span": SpanLine, "trace": TraceLine, "run": RunLine}


def spool_line(record: Any, *, content: str, marks: dict[str, Any]) -> bytes:
    """Return a record with a ``type`` as a spool line, with as much of its words as ``content`` allows.

    Every line says ``is_replay``, so that one that comes again is left out; ``marks`` are added to it.

    Raises:
        InvalidInput: the record does not fit; the message names its fields and none of its values.
    """
    kind = record.get("type") if isinstance(record, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidInput("It is no span, trace or run.")
    try:
        line = _KINDS[kind].model_validate(record)
    except ValidationError as error:
        raise InvalidInput(_said(error)) from None
    row = {name: _written(value) for name, value in line if value is not None and name != "content"}
    words = _limited(row, getattr(line, "content", None) or None, content=content)
    if kind == "run":
        row["updated_at"] = NEVER_NEWER.isoformat()
    if kind == "span" and "cost_usd" in record and row.get("is_model_call"):
        row["is_priced"] = True
        if row.get("cost_usd") is not None:
            row["cost_usd"] = f"{Decimal(row['cost_usd']):.9f}"
    # The reader knows the lines of spans by their first key.
    return to_line({"type": kind, **row, "is_replay": True, **marks}, words)


def _written(value: Any) -> Any:
    """Return a value as the spool has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | StrEnum) else value


def _limited(row: dict[str, Any], words: Any, *, content: str) -> Any:
    """Return the content of a row as far as it may be kept, and take out of the row what may not."""
    if content == "full":
        return words
    for name in ("customer_email", "excerpt"):
        row.pop(name, None)
    if content == "none":
        if "error" in row:
            row["error"] = row.get("error_kind", "error")
        return None
    if "error" in row:
        row["error"] = redact_text(row["error"])
    return None if words is None else redact(orjson.loads(to_json(words)))


def _said(error: ValidationError) -> str:
    """Return what is wrong, by field, in words that quote nothing of what was sent."""
    fields = dict.fromkeys(".".join(str(part) for part in item["loc"][:1]) or "line" for item in error.errors())
    missing = [item["loc"][0] for item in error.errors() if item["type"] == "missing"]
    if missing:
        return f"It has no {', '.join(map(str, missing))}."
    if list(fields) == ["line"]:
        return "It cannot be: it ends before its start, or its content is no JSON object."
    return f"These fields cannot be read: {', '.join(fields)}."
