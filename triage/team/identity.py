"""Spares the SDK to describe every agent anew in every turn, and to compare its tools one by one for every other run.

To tell agents of the same name apart, the SDK writes out each agent of the team with its tools, settings and guardrails
and sorts by that text, five times a run and also where no two share a name: a tenth of the CPU time of a run. The
agents of a team do not change, so their texts are kept.

To notice that somebody changes the tools of an agent at work, the SDK compares them sixteen times a run with those of
each run at work, tool by tool: with fifty runs a twentieth of the CPU time. Comparing the tuples says the same.
``openai-agents`` is pinned, and tests compare what is said here with what the SDK says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents import Agent, Tool, _run_state_agent_identity
from agents.run_internal import agent_tool_configuration

_TEXT = "_identity_text"
look_at_tools = agent_tool_configuration._observe_tools  # noqa: SLF001 - what the SDK asks sixteen times a run
describe = _run_state_agent_identity._agent_identity_signature  # noqa: SLF001 - what the SDK asks in every turn


def keep_identity(agents: Iterable[Agent[Any]]) -> None:
    """Keep the SDK's text of agents that are not changed any more, with each of them."""
    for agent in agents:
        setattr(agent, _TEXT, describe(agent))


def _kept_or_described(agent: Agent[Any]) -> str:
    return getattr(agent, _TEXT, None) or describe(agent)


_run_state_agent_identity._agent_identity_signature = _kept_or_described  # noqa: SLF001


def compare_tools(active: list[Any], tools: tuple[Tool, ...]) -> None:
    """Mark the runs at work with an agent as in conflict where its tools are not those that one of them began with."""
    if len(active) > 1 and any(run.tools_assigned or run.initial_tools != tools for run in active):
        for run in active:
            run.conflicted = True


agent_tool_configuration._observe_tools = compare_tools  # noqa: SLF001
