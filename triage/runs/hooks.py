"""What the runner tells while it works, put into the run's story."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents import Agent, RunContextWrapper, RunHooks

from triage.domain import EventKind
from triage.errors import Paused
from triage.scope import RunScope


class StoryHooks(RunHooks[Any]):
    """Tells of agents that start and of handoffs, and counts turns; tools, guardrails and models tell themselves.

    ``paused`` says for an agent by which switch it is stopped, if it is.
    """

    def __init__(self, scope: RunScope, *, paused: Callable[[str], str | None] = lambda _agent: None) -> None:
        self._scope = scope
        self._paused = paused
        self._ordinal = 0
        self.turns = 0
        self.last_agent: str | None = None

    async def on_agent_start(self, context: Any, agent: Any) -> None:  # noqa: ARG002
        """Tell that an agent took over."""
        self.last_agent = agent.name
        self._scope.events.emit(EventKind.AGENT_STARTED, self._key("agent"), agent=agent.name)

    async def on_handoff(self, context: RunContextWrapper[Any], from_agent: Any, to_agent: Any) -> None:  # noqa: ARG002
        """Tell who handed over to whom."""
        self._scope.events.emit(
            EventKind.HANDOFF, self._key("handoff"), **{"from": from_agent.name, "to": to_agent.name}
        )

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: Any, input_items: Any) -> None:  # noqa: ARG002
        """Stop an agent that is paused, at its start or while it is at work, before it asks its model.

        Raises:
            Paused: the agent is paused.
        """
        if sentence := self._paused(agent.name):
            raise Paused(sentence)

    async def on_llm_end(self, context: RunContextWrapper[Any], agent: Agent[Any], response: Any) -> None:  # noqa: ARG002
        """Count a turn."""
        self.turns += 1
        self.last_agent = agent.name

    def _key(self, what: str) -> str:
        """Number the telling, so that a replay of the segment uses the same keys."""
        self._ordinal += 1
        return f"{what}:{self._scope.segment}:{self._ordinal}"
