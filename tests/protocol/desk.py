"""A desk for the protocol tests: a model server, the registry that talks to it and what the run was told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from agents import Agent, RunConfig, Runner, RunResultStreaming
from agents.items import TResponseStreamEvent
from agents.stream_events import RawResponsesStreamEvent

from tests.servers.model_server import ModelServer
from triage.domain import EventKind
from triage.llm.names import ModelRole
from triage.llm.registry import ModelRegistry
from triage.scope import RunScope, enter_scope
from triage.settings import Settings


class EventRecord:
    """Keeps what a run was told."""

    def __init__(self) -> None:
        self.entries: list[tuple[EventKind, str, dict[str, Any]]] = []

    def emit(self, kind: EventKind, key: str, *, duration_ms: int | None = None, **payload: Any) -> None:
        self.entries.append((kind, key, payload))

    def text(self, source: str, delta: str) -> None:
        raise AssertionError("Models do not write text into the log; the writer tool does.")

    def finish_text(self, source: str, text: str) -> None: ...

    def restart_text(self, source: str) -> None:
        raise AssertionError("Models do not write text into the log; the writer tool does.")

    def payloads(self, kind: EventKind) -> list[dict[str, Any]]:
        return [payload for known, _, payload in self.entries if known is kind]


@dataclass
class Desk:
    """A registry on a model server, with a clock that does not wait."""

    server: ModelServer
    registry: ModelRegistry
    events: EventRecord = field(default_factory=EventRecord)
    waits: list[float] = field(default_factory=list)

    def start(
        self, message: str = "Hello", *, agent: Agent[Any] | None = None, role: ModelRole = "triage"
    ) -> RunResultStreaming:
        """Start a run of a small agent on a role; of the roles, only the writer's words are passed on as they come."""
        self.scope = RunScope(run_id="run-1", events=self.events)
        enter_scope(self.scope)
        small = agent or Agent(name="Assistant", instructions="Be kind.")
        small.model = self.registry.for_role(role)
        return Runner.run_streamed(small, message, run_config=RunConfig(tracing_disabled=True), max_turns=4)

    async def ask(self, message: str = "Hello", *, agent: Agent[Any] | None = None) -> RunResultStreaming:
        """Run to the end."""
        result = self.start(message, agent=agent)
        async for _ in result.stream_events():
            pass
        return result


async def raw_events(result: RunResultStreaming) -> AsyncIterator[TResponseStreamEvent]:
    """Yield the model's own events of a run."""
    async for event in result.stream_events():
        if isinstance(event, RawResponsesStreamEvent):
            yield event.data


def settings_for(server: ModelServer, protocol: str, **overrides: Any) -> Settings:
    """Settings that name nothing but the server."""
    values = {
        "openai_api_key": "test-key",
        "openai_base_url": server.base_url,
        "openai_api": protocol,
        "model": "gpt-5.4",
        "writer_model": "gpt-5.4",
        "fallback_models": [],
        "model_retries": 2,
        "model_timeout_s": 5.0,
    }
    return Settings(_env_file=None, **(values | overrides))
