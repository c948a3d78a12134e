"""What a guardrail said, kept where the trace and the event log find it."""

from __future__ import annotations

from typing import Any, Literal

from agents import (
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    OutputGuardrailTripwireTriggered,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailTripwireTriggered,
)

from triage.domain import EventKind, Trip
from triage.team.context import TriageContext, scope_of

Stage = Literal["input", "output"]
GuardrailTrip = (
    InputGuardrailTripwireTriggered
    | OutputGuardrailTripwireTriggered
    | ToolInputGuardrailTripwireTriggered
    | ToolOutputGuardrailTripwireTriggered
)

_PERSON_ANSWERS = "Thank you for your message. A member of our team will read it and answer you personally."
_CUSTOMER_SENTENCES = {
    "off_topic": (
        "We can help with questions about our products, your account, invoices and orders. Please tell us what you "
        "need help with there."
    ),
    "injection_attempt": (
        "We could not work on this message. If you need help with our products, your account or an order, please "
        "describe it in your own words."
    ),
    "harmful": "We cannot help with this request. If you need help with our products, we are glad to hear from you.",
}


def note(
    context: TriageContext, *, guardrail: str, stage: Stage, verdict: str, reason: str, tripped: bool, duration_ms: int
) -> GuardrailFunctionOutput:
    """Keep a verdict for the trace, tell it, and return it in the form that the SDK expects."""
    scope = scope_of(context)
    kept: dict[str, Any] = {"guardrail": guardrail, "stage": stage, "verdict": verdict, "reason": reason}
    scope.verdicts[guardrail] = kept
    scope.events.emit(
        EventKind.GUARDRAIL_TRIPPED if tripped else EventKind.GUARDRAIL_PASSED,
        f"guardrail:{guardrail}",
        duration_ms=duration_ms,
        **({**kept, "ends_run": True} if tripped else kept),
    )
    return GuardrailFunctionOutput(output_info=kept, tripwire_triggered=tripped)


def trip_of(error: GuardrailTrip) -> Trip:
    """Return the trip that an exception of the SDK stands for, with the sentence that the customer may see."""
    if isinstance(error, InputGuardrailTripwireTriggered | OutputGuardrailTripwireTriggered):
        name, kept = error.guardrail_result.guardrail.get_name(), error.guardrail_result.output.output_info
        stage = "input" if isinstance(error, InputGuardrailTripwireTriggered) else "output"
    else:
        name, kept = error.guardrail.get_name(), error.output.output_info
        stage = "tool_input" if isinstance(error, ToolInputGuardrailTripwireTriggered) else "tool_output"
    known = kept if isinstance(kept, dict) else {}
    verdict = str(known.get("verdict", "tripped"))
    return Trip(
        guardrail=name,
        stage=known.get("stage", stage),
        verdict=verdict,
        reason=str(known.get("reason", "")),
        customer_message=_CUSTOMER_SENTENCES.get(verdict, _PERSON_ANSWERS),
    )
