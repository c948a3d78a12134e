"""Makes a function into a tool of the desk: schema, checks, approval and cleaning."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agents import FunctionTool, RunContextWrapper, function_tool
from agents.function_schema import function_schema

from triage.approvals.policy import APPROVAL_RULES, needs_approval
from triage.team.tool_guardrails import ArgumentRules, Refusal, arguments_guardrail, clean_data


def desk_tool(
    function: Callable[..., Awaitable[str]],
    *,
    limits: Mapping[str, int] | None = None,
    refusal: Refusal | None = None,
    shows_data: bool = True,
) -> FunctionTool:
    """Build the tool of an async function whose docstring is written for the model.

    ``limits`` are the most characters per text argument, ``refusal`` a rule that is checked before a person is asked,
    and ``shows_data`` says that the output quotes records or articles and has to be cleaned of instructions. A fault
    outside of the tool's own step ends the run instead of reaching the model: the run layer has to know of it.
    """
    rules = ArgumentRules(schema=function_schema(function), limits=limits or {}, refusal=refusal)
    name = rules.schema.name

    async def waits(_context: RunContextWrapper[Any], arguments: dict[str, Any], _call_id: str) -> bool:
        return needs_approval(name, arguments).needs_approval

    tool = function_tool(
        function,
        failure_error_function=None,
        needs_approval=waits if name in APPROVAL_RULES else False,
        tool_input_guardrails=[arguments_guardrail(rules)],
        tool_output_guardrails=[clean_data] if shows_data else None,
    )
    _drop_defaults(tool.params_json_schema)
    return tool


def _drop_defaults(schema: dict[str, Any]) -> None:
    """Take default values out of a strict schema: providers refuse them there."""
    for argument in schema.get("properties", {}).values():
        argument.pop("default", None)
