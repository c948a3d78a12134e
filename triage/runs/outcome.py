"""How a segment can end, and what each end means for the run."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any

import structlog
from agents import RunResultStreaming
from agents.exceptions import (
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    OutputGuardrailTripwireTriggered,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailTripwireTriggered,
)

from triage.domain import RunFailure, RunStatus, TriageResult, Trip
from triage.errors import TriageError
from triage.team.context import TriageContext
from triage.team.guardrail_notes import trip_of
from triage.team.result import finish

log = structlog.get_logger(__name__)

_TRIPS = (
    InputGuardrailTripwireTriggered,
    OutputGuardrailTripwireTriggered,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailTripwireTriggered,
)

_FAILURES: dict[type[Exception], tuple[str, str]] = {
    MaxTurnsExceeded: (
        "max_turns",
        "The agents did not come to an end within the turn limit (TRIAGE_MAX_TURNS). Take over or retry.",
    ),
    ModelRefusalError: ("model_refusal", "The model refused to answer this message. A person has to take it over."),
    ModelBehaviorError: ("model_output", "The model's answer could not be read. Try again or take over."),
}


@dataclass(frozen=True)
class Interruption:
    """A tool call that waits for a person."""

    call_id: str
    tool: str
    agent: str
    arguments: str


@dataclass(frozen=True)
class Outcome:
    """How a segment ended; which fields are set depends on ``status``."""

    status: RunStatus
    result: TriageResult | None = None
    failure: RunFailure | None = None
    trip: Trip | None = None
    state: dict[str, Any] | None = None
    interruptions: list[Interruption] = field(default_factory=list)


def outcome_of_result(result: RunResultStreaming, *, context: TriageContext) -> Outcome:
    """Return the outcome of a runner that came to its end without an error."""
    if result.interruptions:
        state = result.to_state().to_json(context_serializer=lambda _: {"run_id": context.run_id})
        waiting = [
            Interruption(
                call_id=item.call_id or "",
                tool=item.name or "",
                agent=item.agent.name,
                arguments=str(item.arguments or "{}"),
            )
            for item in result.interruptions
        ]
        return Outcome(status=RunStatus.AWAITING_APPROVAL, state=state, interruptions=waiting)
    if not isinstance(result.final_output, TriageResult):
        return _failed("model_output", "The model ended without a triage result. Try again or take over.")
    return Outcome(status=RunStatus.COMPLETED, result=finish(result.final_output, context))


def outcome_of_error(error: Exception, *, run_id: str) -> Outcome:
    """Return the outcome of a run that an error ended; a person reads the sentence, no payload gets into it."""
    if isinstance(error, _TRIPS):
        return Outcome(status=RunStatus.BLOCKED, trip=trip_of(error))
    if isinstance(error, TriageError):
        return _failed(error.code, str(error))
    for kind, (code, sentence) in _FAILURES.items():
        if isinstance(error, kind):
            return _failed(code, sentence)
    # The message of an unknown error may hold what a customer or model wrote, so the log gets its type and place only.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error("run_failed", run_id=run_id, error=type(error).__name__, place=f"{frame.filename}:{frame.lineno}")
    sentence = f"The run stopped on an internal error ({type(error).__name__}). Try again or take over."
    return _failed("internal", sentence)


def _failed(code: str, message: str) -> Outcome:
    return Outcome(status=RunStatus.FAILED, failure=RunFailure(code=code, message=message))
