"""What the team looks like, read from the live agents, for the Team page and for the fingerprint."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from agents import Agent, FunctionTool, Handoff, RunContextWrapper

from triage.approvals.actions import ASKING_TOOLS
from triage.domain import Value
from triage.team.context import TriageContext

_SAMPLE = TriageContext(
    run_id="sample", conversation_id="sample", message="", today=date(2026, 1, 1), customer_email="dana@example.com"
)


class ToolDescription(Value):
    """A tool as a model sees it, and when a person has to approve it (None: never)."""

    name: str
    description: str
    parameters: dict[str, Any]
    approval: str | None


class HandoffDescription(Value):
    """A way from one agent to another."""

    tool: str
    agent: str
    description: str
    parameters: dict[str, Any]


class GuardrailDescription(Value):
    """A guardrail of an agent or of its tools."""

    name: str
    stage: str


class AgentDescription(Value):
    """One agent; ``instructions`` are those for a sample customer, ``output`` names the type of its answer."""

    name: str
    role: str
    model: str
    purpose: str
    instructions: str
    output: str
    tools: tuple[ToolDescription, ...]
    handoffs: tuple[HandoffDescription, ...]
    guardrails: tuple[GuardrailDescription, ...]


class TeamDescription(Value):
    """The whole team, the entry agent first."""

    entry: str
    agents: tuple[AgentDescription, ...]


def describe_agent(agent: Agent[TriageContext], *, role: str) -> AgentDescription:
    """Read one live agent."""
    tools = [tool for tool in agent.tools if isinstance(tool, FunctionTool)]
    return AgentDescription(
        name=agent.name,
        role=role,
        model=_model_name(agent.model),
        purpose=agent.handoff_description or "",
        instructions=_instructions_for_sample(agent),
        output=getattr(agent.output_type, "__name__", "text"),
        tools=tuple(_tool(tool) for tool in tools),
        handoffs=tuple(_handoff(entry) for entry in agent.handoffs if isinstance(entry, Handoff)),
        guardrails=_guardrails(agent, tools),
    )


def fingerprint(agents: Mapping[str, Agent[TriageContext]]) -> str:
    """Return a hash of everything that a paused run relies on: tools, schemas, handoffs and instructions.

    A stored run whose fingerprint differs was paused by another build of the team.
    """
    shape = []
    for name, agent in agents.items():
        seen = describe_agent(agent, role="")
        tools = [(tool.name, tool.parameters) for tool in seen.tools]
        handoffs = [(entry.tool, entry.agent, entry.parameters) for entry in seen.handoffs]
        shape.append([name, seen.instructions, seen.output, tools, handoffs])
    return hashlib.blake2b(json.dumps(shape, sort_keys=True).encode(), digest_size=16).hexdigest()


def _tool(tool: FunctionTool) -> ToolDescription:
    return ToolDescription(
        name=tool.name,
        description=tool.description,
        parameters=tool.params_json_schema,
        approval=ASKING_TOOLS.get(tool.name) if tool.needs_approval else None,
    )


def _handoff(entry: Handoff[Any, Any]) -> HandoffDescription:
    return HandoffDescription(
        tool=entry.tool_name,
        agent=entry.agent_name,
        description=entry.tool_description,
        parameters=entry.input_json_schema,
    )


def _guardrails(agent: Agent[TriageContext], tools: list[FunctionTool]) -> tuple[GuardrailDescription, ...]:
    """Return the guardrails in the order in which they work, each once."""
    found = [(guardrail.get_name(), "input") for guardrail in agent.input_guardrails]
    for tool in tools:
        found += [(guardrail.get_name(), "tool_input") for guardrail in tool.tool_input_guardrails or []]
    for tool in tools:
        found += [(guardrail.get_name(), "tool_output") for guardrail in tool.tool_output_guardrails or []]
    found += [(guardrail.get_name(), "output") for guardrail in agent.output_guardrails]
    return tuple(GuardrailDescription(name=name, stage=stage) for name, stage in dict.fromkeys(found))


def _instructions_for_sample(agent: Agent[TriageContext]) -> str:
    if not callable(agent.instructions):
        return agent.instructions or ""
    text = agent.instructions(RunContextWrapper(_SAMPLE), agent)
    if inspect.isawaitable(text):
        raise TypeError(f"The instructions of {agent.name} must not be a coroutine.")
    return text


def _model_name(model: Any) -> str:
    """Return the name that a model gives itself; the SDK's interface has none."""
    name = getattr(model, "name", None) or getattr(model, "model", None)
    return str(name) if name else type(model).__name__
