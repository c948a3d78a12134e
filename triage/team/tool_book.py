"""The team's tools for the people who decide about their calls: the form of the arguments, and what is wrong in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from agents import FunctionTool

from triage.errors import ToolError
from triage.team.team import DeskAgent
from triage.team.tool_guardrails import ArgumentRules, ArgumentsGuardrail

# What a sentence tells a model to do next, and a person need not be told.
_FOR_MODELS = (" and call again", " Call the tool again with a JSON object.")


class TeamToolBook:
    """Reads forms and rules from the live tools."""

    def __init__(self, agents: Iterable[DeskAgent]) -> None:
        tools = [tool for agent in agents for tool in agent.tools if isinstance(tool, FunctionTool)]
        self._tools: Mapping[str, FunctionTool] = {tool.name: tool for tool in tools}

    def form(self, tool: str) -> dict[str, Any] | None:
        """Return the JSON schema of a tool's arguments, None for a tool that there is not."""
        found = self._tools.get(tool)
        return dict(found.params_json_schema) if found else None

    def problem(self, tool: str, arguments: Mapping[str, Any]) -> str | None:
        """Return why arguments cannot be used, in a sentence for the person who wrote them, or None."""
        rules = self._rules(tool)
        if rules is None:
            return f"There is no tool {tool} in this build."
        try:
            rules.read(json.dumps(dict(arguments)))
        except ToolError as error:
            sentence = str(error)
            for words in _FOR_MODELS:
                sentence = sentence.replace(words, "")
            return sentence
        return None

    def _rules(self, tool: str) -> ArgumentRules | None:
        guardrails = self._tools[tool].tool_input_guardrails or [] if tool in self._tools else []
        return next((item.rules for item in guardrails if isinstance(item, ArgumentsGuardrail)), None)
