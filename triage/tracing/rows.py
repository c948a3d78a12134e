"""From a span of the SDK to the typed columns of the trace store: one small pure function per question.

A row is a plain dict that holds only the columns which have a value; times are still text. It is made in the thread
that ends the span, so what can be computed from the rest (duration, costs of foreign calls) is left to the background.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from agents.tracing import Span, SpanData

from triage.domain import Run, Usage
from triage.scope import AskedCall

MODEL_CALL_TYPES = frozenset({"generation", "response"})
EXCERPT_LENGTH = 160
UNANSWERED = ("unanswered", "The call ended before the answer.")
_KINDS = {"generation": "model", "response": "model", "function": "tool"}


def kind_of(data: SpanData) -> str:
    """Return the word for the kind of a span: agent, task, turn, model, tool, handoff, guardrail, custom or another."""
    return _KINDS.get(data.type, data.type)


def name_of(data: Any) -> str:
    """Return what a person calls the span."""
    match data.type:
        case "turn":
            return f"turn {data.turn}"
        case "handoff":
            return data.from_agent or ""
        case "generation" | "response":
            return model_of(data) or "model"
        case _:
            return str(getattr(data, "name", None) or data.type)


def model_of(data: Any) -> str | None:
    """Return the model that answered; a Responses span knows it from its response only."""
    if data.type == "response":
        model = getattr(data.response, "model", None)
        return None if model is None else str(model)
    return data.model if data.type == "generation" else None


def agent_of(data: Any) -> str | None:
    """Return the agent that a span names itself; the other spans have the one of the span above."""
    if data.type == "agent":
        return str(data.name)
    return str(data.agent_name) if data.type == "turn" else None


def guardrail_of(data: Any) -> str | None:
    """Return the guardrail that a span names itself; the model calls below it are made for it."""
    return str(data.name) if data.type == "guardrail" else None


def usage_of(data: Any) -> Usage | None:
    """Return the tokens of one model call, or None for any other span.

    Turn and task spans carry the same tokens a second and third time, therefore theirs are left alone.
    """
    if data.type not in MODEL_CALL_TYPES:
        return None
    usage = data.usage
    if usage is None and data.type == "response":
        usage = getattr(data.response, "usage", None)
    if usage is None:
        return None
    return Usage(
        requests=1,
        input_tokens=_count(usage, "input_tokens", "prompt_tokens"),
        cached_tokens=_count(_part(usage, "input_tokens_details", "prompt_tokens_details"), "cached_tokens"),
        output_tokens=_count(usage, "output_tokens", "completion_tokens"),
        reasoning_tokens=_count(_part(usage, "output_tokens_details", "completion_tokens_details"), "reasoning_tokens"),
    )


def is_answered(data: Any) -> bool:
    """Whether a model call came to an answer; the SDK ends the span of a cancelled one without saying anything."""
    said = data.response if data.type == "response" else data.output
    return said is not None or data.usage is not None


def error_of(span: Span[Any]) -> tuple[str, str] | None:
    """Return the kind and the message of a failed span; the detail, where the SDK gives one, follows the message.

    The kind is the word that our tools give, because their message is a sentence about the case; the SDK's own message
    is always the same for the same kind.
    """
    error = span.error
    if error is None:
        data = span.span_data
        return UNANSWERED if data.type in MODEL_CALL_TYPES and not is_answered(data) else None
    details = error.get("data") or {}
    detail = details.get("error") if isinstance(details, Mapping) else None
    message = str(error.get("message") or "error")
    sentence = f"{message}: {detail}" if detail else message
    if isinstance(details, Mapping) and details.get("kind"):
        return str(details["kind"]), sentence
    return message, sentence


def is_paused(data: Any) -> bool:
    """Whether a tool call was put off for an approval: the SDK ends its span without an output."""
    return bool(data.type == "function" and data.output is None)


def span_columns(span: Span[Any]) -> dict[str, Any]:
    """Return the columns that the span itself knows."""
    data = span.span_data
    row: dict[str, Any] = {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "kind": kind_of(data),
        "name": name_of(data),
        "started_at": span.started_at,
        "ended_at": span.ended_at,
    }
    if span.parent_id is not None:
        row["parent_id"] = span.parent_id
    if own := _OWN_COLUMNS.get(data.type):
        row.update(own(data))
    if failure := error_of(span):
        row["error_kind"], row["error"] = failure
        row["is_paused"] = False
    return row


def _model_columns(data: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"is_model_call": True, "model": model_of(data)}
    if usage := usage_of(data):
        row["input_tokens"] = usage.input_tokens
        row["cached_tokens"] = usage.cached_tokens
        row["output_tokens"] = usage.output_tokens
        row["reasoning_tokens"] = usage.reasoning_tokens
    return row


_OWN_COLUMNS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "generation": _model_columns,
    "response": _model_columns,
    "function": lambda data: {"tool": data.name, "is_paused": is_paused(data)},
    "handoff": lambda data: {"from_agent": data.from_agent, "to_agent": data.to_agent},
    "guardrail": lambda data: {"guardrail": data.name, "triggered": bool(data.triggered)},
}


def asked_columns(call: AskedCall) -> dict[str, Any]:
    """Return the columns of a call that our own models made: its cost is the one that the run counts."""
    row: dict[str, Any] = {"asked_model": call.model, "is_retry": call.is_retry, "is_fallback": call.is_fallback}
    if call.is_priced:
        row["is_priced"] = True
        if call.cost_usd is not None:
            # The column keeps nine digits, and the reader refuses more.
            row["cost_usd"] = f"{call.cost_usd:.9f}"
    return row


def verdict_columns(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of what a guardrail said; its reason is content."""
    return {name: str(verdict[name]) for name in ("stage", "verdict") if verdict.get(name) is not None}


def run_columns(run: Run, *, with_customer: bool, first_event_at: datetime | None = None) -> dict[str, Any]:
    """Return the columns of a run; ``with_customer`` says whether the customer's address and words may be kept.

    ``first_event_at`` is when an agent first showed that it works on it. The work of the agents was rerouted by a
    person who took the run over or put it into another category.
    """
    is_relabelled = run.result is not None and run.category is not None and run.category is not run.result.category
    row: dict[str, Any] = {
        "run_id": run.id,
        "trace_id": run.trace_id,
        "conversation_id": run.conversation_id,
        "status": run.status.value,
        "segment": run.segment,
        "category": run.category and run.category.value,
        "urgency": run.urgency and run.urgency.value,
        "last_agent": run.last_agent,
        "cost_usd": str(run.cost_usd),
        "unpriced_calls": run.unpriced_calls,
        **run.usage.model_dump(),
        "turns": run.turns,
        "active_ms": run.active_ms,
        "waiting_ms": _waiting_ms(run),
        "failure_code": run.failure and run.failure.code,
        "degraded": run.degraded,
        "is_rerouted": run.assigned_to is not None or is_relabelled,
        "first_event_at": first_event_at and first_event_at.isoformat(),
        "retry_of": run.retry_of,
        "created_at": run.created_at.isoformat(),
        "updated_at": run.updated_at.isoformat(),
        "started_at": run.started_at and run.started_at.isoformat(),
        "ended_at": run.ended_at and run.ended_at.isoformat(),
    }
    if run.trip:
        row |= {"trip_guardrail": run.trip.guardrail, "trip_stage": run.trip.stage, "trip_verdict": run.trip.verdict}
    if with_customer:
        row |= {"customer_email": run.customer_email, "excerpt": run.message[:EXCERPT_LENGTH]}
    return {name: value for name, value in row.items() if value is not None}


def _waiting_ms(run: Run) -> int | None:
    """Return the milliseconds of an ended run in which nobody worked: approvals, mostly."""
    if run.started_at is None or run.ended_at is None:
        return None
    return max(0, int((run.ended_at - run.started_at).total_seconds() * 1000) - run.active_ms)


def finish_times(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with every ``*_at`` as ``datetime``.

    Raises:
        ValueError: one of them is no time.
    """
    return {name: datetime.fromisoformat(value) if name.endswith("_at") else value for name, value in row.items()}


def _part(usage: Any, *names: str) -> Any:
    for name in names:
        found = usage.get(name) if isinstance(usage, Mapping) else getattr(usage, name, None)
        if found is not None:
            return found
    return None


def _count(usage: Any, *names: str) -> int:
    found = _part(usage, *names)
    return found if isinstance(found, int) and found >= 0 else 0
