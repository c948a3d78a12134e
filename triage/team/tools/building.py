"""Makes a function into a tool of the desk: schema, checks, approval and cleaning."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agents import FunctionTool, RunContextWrapper, function_tool
from agents.function_schema import function_schema

from triage.approvals.actions import QUESTION_TOOL
from triage.approvals.exact import DecidedCall, require_match
from triage.approvals.gate import ActionGate, Ruling
from triage.domain import Mode
from triage.errors import StateError
from triage.team.calls import ToolCall, as_json, step_of, tell_called, tell_failed
from triage.team.context import RunFacts, TriageContext, scope_of
from triage.team.tool_guardrails import ArgumentRules, Refusal, arguments_guardrail, clean_data

SWITCHED_OFF = "switched_off"


def desk_tool(
    function: Callable[..., Awaitable[str]],
    *,
    limits: Mapping[str, int] | None = None,
    refusal: Refusal | None = None,
    shows_data: bool = True,
    gate: ActionGate,
    asks: bool = False,
    step: str | None = None,
) -> FunctionTool:
    """Build the tool of an async function whose docstring is written for the model.

    ``limits`` are the most characters per text argument, ``refusal`` a rule that is checked before a person is asked,
    and ``shows_data`` says that the output quotes records or articles and has to be cleaned of instructions. The
    ``gate`` says whether the tool is paused; a tool that ``asks`` has consequences, so each call needs a decision or a
    policy that lets it pass. ``step`` names the durable step by which a call that went ahead is known, where it is not
    the usual one. A fault outside of the tool's own step ends the run instead of reaching the model: the run layer has
    to know of it.
    """
    rules = ArgumentRules(schema=function_schema(function), limits=limits or {}, refusal=refusal)
    if asks:
        rules = rules.with_gate(gate)
    tool = function_tool(
        _through(gate, function, rules=rules) if asks else _unless_paused(gate, function, step=step),
        failure_error_function=None,
        needs_approval=_waits(gate, rules.schema.name) if asks else False,
        tool_input_guardrails=[arguments_guardrail(rules)],
        tool_output_guardrails=[clean_data] if shows_data else None,
    )
    _drop_defaults(tool.params_json_schema)
    return tool


def _waits(gate: ActionGate, tool: str) -> Callable[..., Awaitable[bool]]:
    """Build what the SDK asks whether a call has to wait."""

    async def waits(wrapper: RunContextWrapper[TriageContext], arguments: dict[str, Any], call_id: str) -> bool:
        context = wrapper.context
        if call_id in context.decided:
            return True
        verdict = await gate.verdict(
            scope_of(context), tool=tool, call_id=call_id, arguments=arguments, customer_email=context.customer_email
        )
        return verdict.mode in (Mode.APPROVAL, Mode.TWO_PEOPLE)

    return waits


def _through(
    gate: ActionGate, function: Callable[..., Awaitable[str]], *, rules: ArgumentRules
) -> Callable[..., Awaitable[str]]:
    """Let a function work only by a decision that matches, or a policy that lets it, and with no switch in the way."""
    tool, signature = rules.schema.name, inspect.signature(function)

    @functools.wraps(function)
    async def work(call: ToolCall, *given: Any, **named: Any) -> str:
        scope, decided = scope_of(call.context), call.context.decided.get(call.tool_call_id)
        arguments: Mapping[str, Any] = dict(list(signature.bind(call, *given, **named).arguments.items())[1:])
        if decided is not None:
            require_match(decided, tool=tool, call_id=call.tool_call_id, arguments=decided.arguments)
            known = {name: value for name, value in decided.arguments.items() if name in signature.parameters}
            arguments = rules.read(as_json(known))
        elif not _goes_ahead(scope.rulings.get(call.tool_call_id)):
            raise StateError("A call without a decision was about to happen. Nothing was done; run it again.")
        sentence = await gate.switched_off(scope, tool=tool, agent=_agent(call), writes=tool != QUESTION_TOOL)
        if sentence is not None:
            return _refused(call, sentence)
        return _changes(decided) + await function(call, **arguments)

    return work


def _unless_paused(
    gate: ActionGate, function: Callable[..., Awaitable[str]], *, step: str | None
) -> Callable[..., Awaitable[str]]:
    """Let a function that changes nothing work unless a switch is in the way."""

    @functools.wraps(function)
    async def work(call: ToolCall, *given: Any, **named: Any) -> str:
        sentence = await gate.reading_off(
            scope_of(call.context),
            tool=call.tool_name,
            call_id=call.tool_call_id,
            agent=_agent(call),
            step=step or step_of(call.tool_name),
        )
        if sentence is not None:
            return _refused(call, sentence)
        return await function(call, *given, **named)

    return work


def _agent(call: ToolCall) -> str | None:
    return call.agent.name if call.agent else None


def _refused(call: ToolCall, sentence: str) -> str:
    """Tell the run's story and its facts that a switch stopped the call."""
    tell_called(call)
    tell_failed(call, sentence, kind=SWITCHED_OFF)
    call.context.facts.add(RunFacts(paused={call.tool_call_id: call.tool_name}))
    return sentence


def _goes_ahead(ruling: Mapping[str, Any] | None) -> bool:
    return ruling is not None and Ruling.model_validate(ruling).verdict.mode is Mode.AUTO


def _changes(decided: DecidedCall | None) -> str:
    """Tell the model what a person changed before they let its call happen; an answer to its question is no change."""
    if decided is None or decided.tool == QUESTION_TOOL or not decided.changes:
        return ""
    told = [f"{name}: {as_json(before)} became {as_json(after)}" for name, (before, after) in decided.changes.items()]
    return f"A reviewer changed the arguments before this was done ({'; '.join(told)}). What was done:\n"


def _drop_defaults(schema: dict[str, Any]) -> None:
    """Take default values out of a strict schema: providers refuse them there."""
    for argument in schema.get("properties", {}).values():
        argument.pop("default", None)
