"""How a tool call is worked: once, told to the event log, and with errors that the model can act on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import structlog
from agents import SpanError, get_current_span
from agents.tool_context import ToolContext
from pydantic import BaseModel, Field

from triage.connectors.threads import off_loop
from triage.domain import EventKind
from triage.errors import OutcomeUnknown, OutsideUnavailable, ToolError
from triage.llm.surrogates import mend
from triage.stable_ids import action_key
from triage.team.context import RunFacts, TriageContext, scope_of
from triage.team.plain_json import plain_json

GENERAL_FAILURE = (
    "The tool could not do its work because of a fault on our side. Do not call it again with the same arguments; "
    "go on without it and set requires_human."
)
GO_ON_WITHOUT = "Do not guess and do not call it again; say that a colleague looks after it, and set requires_human."
UNKNOWN_OUTCOME = (
    "It is not known whether this was done: the program stopped in the middle of it. Do not call it again; say nothing "
    "about it to the customer except that a colleague looks after it, and set requires_human."
)
_log = structlog.get_logger(__name__)

ToolCall = ToolContext[TriageContext]


class CallEvent(BaseModel):
    """An event that a call tells besides its completion, such as a created ticket."""

    kind: EventKind
    key: str
    payload: dict[str, Any]


class Outcome(BaseModel):
    """What a tool call came to: text for the model, a line for a person, and what it adds to the facts."""

    output: str
    summary: str
    facts: RunFacts = Field(default_factory=RunFacts)
    events: list[CallEvent] = Field(default_factory=list)


class _CallRecord(BaseModel):
    """The recorded outcome of the durable step; exactly one of ``outcome`` and ``error`` is set."""

    # What became of an action is looked up by it, where its run ended without telling.
    call_id: str | None = None
    outcome: Outcome | None = None
    error: str = ""
    error_kind: str = ""
    duration_ms: int = 0


def as_json(value: Any) -> str:
    """Return ``value`` as compact JSON for a model."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def step_of(tool: str) -> str:
    """Return the name of the durable step in which a tool's calls work."""
    return f"tool:{tool}"


async def run_call(call: ToolCall, work: Callable[[], Outcome], *, once: bool = False, is_outside: bool = False) -> str:
    """Work one tool call as a durable step and return the text for the model.

    ``work`` runs in a thread, raises ToolError for what the model can act on, and must be safe to run twice: a kill
    between its commit and the record of the step makes it run again with the same call id. Work on an outside system
    that cannot promise this is run ``once``: after such a kill a person has to find out whether it was done. Where
    such a system takes a key, it gets the ``idempotency_key`` of the call. ``is_outside`` says that it asks one.
    """
    scope = scope_of(call.context)
    tell_called(call)
    try:
        kept = await scope.steps.run(
            step_of(call.tool_name), lambda: _perform(call, work, is_outside=is_outside), once=once
        )
    except OutcomeUnknown:
        tell_failed(call, UNKNOWN_OUTCOME, kind=OutcomeUnknown.code)
        return UNKNOWN_OUTCOME
    record = _CallRecord.model_validate(kept)
    if record.outcome is None:
        tell_failed(call, record.error, kind=record.error_kind, duration_ms=record.duration_ms)
        return record.error
    finish_call(call, record.outcome, duration_ms=record.duration_ms)
    return record.outcome.output


def idempotency_key(call: ToolCall) -> str:
    """Return the key with which an outside system can tell that it has seen this call before."""
    return action_key(call.context.run_id, call.tool_call_id)


async def _perform(call: ToolCall, work: Callable[[], Outcome], *, is_outside: bool) -> dict[str, Any]:
    started = time.perf_counter()
    record = _CallRecord(call_id=call.tool_call_id)
    try:
        record.outcome = await (off_loop(work) if is_outside else asyncio.to_thread(work))
    except OutcomeUnknown:
        record.error, record.error_kind = UNKNOWN_OUTCOME, OutcomeUnknown.code
    except ToolError as error:
        record.error, record.error_kind = str(error), type(error).__name__
    except OutsideUnavailable as error:
        record.error, record.error_kind = f"{error} {GO_ON_WITHOUT}", type(error).__name__
    except Exception as error:  # noqa: BLE001 - the boundary between a tool and the model
        # The message of a foreign exception may quote customer text, so only its type is kept.
        _log.error("tool.failed", tool=call.tool_name, error_kind=type(error).__name__)
        record.error, record.error_kind = GENERAL_FAILURE, type(error).__name__
    record.duration_ms = round((time.perf_counter() - started) * 1000)
    return record.model_dump(mode="json")


def final_arguments(call: ToolCall) -> str:
    """Return the arguments that count, as JSON text: the ones that a person decided, else the agent's own."""
    decided = call.context.decided.get(call.tool_call_id)
    return as_json(decided.arguments) if decided else call.tool_arguments


def tell_called(call: ToolCall) -> None:
    """Tell that a tool is called; telling it twice is kept once."""
    scope_of(call.context).events.emit(
        EventKind.TOOL_CALLED,
        f"tool:{call.tool_call_id}:called",
        call_id=call.tool_call_id,
        tool=call.tool_name,
        agent=call.agent.name if call.agent else None,
        arguments=_readable(final_arguments(call)),
    )


def tell_failed(call: ToolCall, sentence: str, *, kind: str, duration_ms: int | None = None) -> None:
    """Tell that a call failed or was refused, and mark the trace."""
    scope_of(call.context).events.emit(
        EventKind.TOOL_FAILED,
        f"tool:{call.tool_call_id}:failed",
        duration_ms=duration_ms,
        call_id=call.tool_call_id,
        tool=call.tool_name,
        error=sentence,
        error_kind=kind,
    )
    span = get_current_span()
    if span is not None:
        span.set_error(SpanError(message=sentence, data={"tool": call.tool_name, "kind": kind}))


def finish_call(call: ToolCall, outcome: Outcome, *, duration_ms: int) -> None:
    """Add what the call found to the facts and tell that it is done."""
    call.context.facts.add(outcome.facts)
    events = scope_of(call.context).events
    for event in outcome.events:
        events.emit(event.kind, event.key, **event.payload)
    events.emit(
        EventKind.TOOL_COMPLETED,
        f"tool:{call.tool_call_id}:completed",
        duration_ms=duration_ms,
        call_id=call.tool_call_id,
        tool=call.tool_name,
        summary=outcome.summary,
        output=outcome.output,
    )


def _readable(arguments: str) -> Any:
    """Return the arguments as JSON where they are, else as the text that the model wrote."""
    try:
        # A string that is the whole of the arguments is JSON, too, and mended only when it is read.
        return mend(plain_json(arguments))
    except ValueError:
        return arguments
