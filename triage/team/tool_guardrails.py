"""What is checked before a tool works and what is cleaned before its output reaches a model.

The check before runs twice for a call that needs approval: before a person is asked, so that nobody is bothered with a
call that the rules refuse anyway, and again just before the work.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from agents import ToolGuardrailFunctionOutput, ToolInputGuardrail, ToolOutputGuardrail
from agents.function_schema import FuncSchema
from agents.tool_guardrails import ToolInputGuardrailData, ToolOutputGuardrailData
from pydantic import ValidationError

from triage.approvals.gate import ActionGate
from triage.domain import EventKind, Mode
from triage.errors import ToolError
from triage.team.calls import ToolCall, final_arguments, tell_called, tell_failed
from triage.team.context import scope_of
from triage.team.data_text import clean_output
from triage.team.plain_json import plain_json

ARGUMENTS_GUARDRAIL = "Tool arguments"
OUTPUT_GUARDRAIL = "Tool output"
_ALLOWED_CONTROLS = frozenset("\n\r\t")
_USUAL_LIMIT = 200

Refusal = Callable[[ToolCall, Mapping[str, Any]], Awaitable[str | None]]


@dataclass(frozen=True)
class ArgumentRules:
    """What the arguments of one tool have to keep to.

    ``limits`` gives the most characters per argument, 200 where it says nothing. ``refusal`` is a rule over the records
    or the facts of the run: it returns the sentence that refuses the call, or None.
    """

    schema: FuncSchema
    limits: Mapping[str, int] = field(default_factory=dict)
    refusal: Refusal | None = None

    def with_gate(self, gate: ActionGate) -> ArgumentRules:
        """Return rules that also refuse what the policy denies, before they look at the records."""
        name, further = self.schema.name, self.refusal

        async def refusal(call: ToolCall, arguments: Mapping[str, Any]) -> str | None:
            scope, context = scope_of(call.context), call.context
            if call.tool_call_id not in context.decided:
                verdict = await gate.verdict(
                    scope,
                    tool=name,
                    call_id=call.tool_call_id,
                    arguments=arguments,
                    customer_email=context.customer_email,
                )
                if verdict.mode is Mode.DENY:
                    return f"{verdict.sentence} Do not call it again; go on without it and set requires_human."
            return await further(call, arguments) if further else None

        return replace(self, refusal=refusal)

    def read(self, text: str) -> dict[str, Any]:
        """Return the arguments.

        Raises:
            ToolError: they cannot be used; the sentence names the argument and says what to change, and quotes nothing.
        """
        try:
            given = plain_json(text or "{}")
            parsed = self.schema.params_pydantic_model.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"]) or "the arguments"
            raise ToolError(f"The argument '{name}' cannot be used: {first['msg']}. Mend it and call again.") from None
        except ValueError:
            raise ToolError("The arguments are not JSON. Call the tool again with a JSON object.") from None
        arguments = parsed.model_dump()
        for name, value in arguments.items():
            if isinstance(value, str):
                check_text(name, value, limit=self.limits.get(name, _USUAL_LIMIT))
        return arguments


def check_text(name: str, value: str, *, limit: int) -> None:
    """Refuse text that is empty, too long, or has control characters.

    Raises:
        ToolError: with a sentence that names the argument.
    """
    if not value.strip():
        raise ToolError(f"The argument '{name}' is empty. Fill it and call again.")
    if len(value) > limit:
        raise ToolError(f"The argument '{name}' has more than {limit} characters. Shorten it and call again.")
    if any(unicodedata.category(char) == "Cc" and char not in _ALLOWED_CONTROLS for char in value):
        raise ToolError(f"The argument '{name}' has control characters. Leave them out and call again.")


@dataclass(kw_only=True)
class ArgumentsGuardrail(ToolInputGuardrail[Any]):
    """The guardrail of a tool's arguments, with its rules for whoever else has to keep to them."""

    rules: ArgumentRules


def arguments_guardrail(rules: ArgumentRules) -> ArgumentsGuardrail:
    """Build the guardrail that checks a call before a person is asked and before it works."""

    async def check(gate: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        call = cast("ToolCall", gate.context)
        verdict = "bad_arguments"
        try:
            arguments = rules.read(final_arguments(call))
            verdict = "refused"
            sentence = await rules.refusal(call, arguments) if rules.refusal else None
        except ToolError as error:
            sentence = str(error)
        if sentence is None:
            return ToolGuardrailFunctionOutput.allow()
        tell_called(call)
        tell_failed(call, sentence, kind=verdict)
        note = _note_trip(call, ARGUMENTS_GUARDRAIL, stage="tool_input", verdict=verdict, reason=sentence)
        return ToolGuardrailFunctionOutput.reject_content(sentence, note)

    return ArgumentsGuardrail(guardrail_function=check, name=ARGUMENTS_GUARDRAIL, rules=rules)


async def _clean(gate: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
    call = cast("ToolCall", gate.context)
    if call.tool_call_id in call.context.facts.paused:
        # The refusal is ours and says what to do instead: that is an instruction, and meant as one.
        return ToolGuardrailFunctionOutput.allow()
    output = gate.output if isinstance(gate.output, str) else str(gate.output)
    cleaned = clean_output(output)
    if cleaned == output:
        return ToolGuardrailFunctionOutput.allow()
    note = _note_trip(
        call,
        OUTPUT_GUARDRAIL,
        stage="tool_output",
        verdict="instructions_withheld",
        reason="The looked-up text gave instructions; that part was withheld from the model.",
    )
    return ToolGuardrailFunctionOutput.reject_content(cleaned, note)


clean_data = ToolOutputGuardrail[Any](guardrail_function=_clean, name=OUTPUT_GUARDRAIL)


def _note_trip(call: ToolCall, guardrail: str, *, stage: str, verdict: str, reason: str) -> dict[str, Any]:
    """Keep and tell what a tool guardrail found; unlike the others it does not end the run."""
    scope = scope_of(call.context)
    note: dict[str, Any] = {"guardrail": guardrail, "stage": stage, "verdict": verdict, "reason": reason}
    note |= {"tool": call.tool_name, "ends_run": False}
    scope.verdicts[guardrail] = note
    scope.events.emit(EventKind.GUARDRAIL_TRIPPED, f"guardrail:{guardrail}:{call.tool_call_id}", **note)
    return note
