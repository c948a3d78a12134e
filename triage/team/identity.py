"""Spares the SDK to describe every agent anew in every turn.

To tell agents of the same name apart, the SDK writes out each agent of the team with its tools, settings and guardrails
and sorts by that text, five times a run and also where no two share a name: a tenth of the CPU time of a run. The
agents of a team do not change, so their texts are kept. ``openai-agents`` is pinned, and a test compares the texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents import Agent, _run_state_agent_identity

_TEXT = "_identity_text"
describe = _run_state_agent_identity._agent_identity_signature  # noqa: SLF001 - what the SDK asks in every turn


def keep_identity(agents: Iterable[Agent[Any]]) -> None:
    """Keep the SDK's text of agents that are not changed any more, with each of them."""
    for agent in agents:
        setattr(agent, _TEXT, describe(agent))


def _kept_or_described(agent: Agent[Any]) -> str:
    return getattr(agent, _TEXT, None) or describe(agent)


_run_state_agent_identity._agent_identity_signature = _kept_or_described  # noqa: SLF001
