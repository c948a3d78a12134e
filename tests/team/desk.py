"""A desk with real records and scripted models: what the team does is seen from outside, through the SDK's runner."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agents import Model, RunConfig, Runner, RunResultStreaming, ToolApprovalItem, ToolExecutionConfig
from agents.run_state import RunState
from agents.testing import ScriptedModel, assistant_message, function_call

from storage.records import Records
from triage.approvals.exact import DecidedCall, hash_of_call
from triage.domain import EventKind
from triage.scope import DirectSteps, RunScope, enter_scope
from triage.settings import Settings
from triage.team.context import RunFacts, TriageContext
from triage.team.team import Team, build_team

NOW = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
PASS = {"appropriate": True, "verdict": "support", "reason": "A support question."}


@dataclass(frozen=True)
class FoundPassage:
    article_id: str
    title: str
    section: str
    url: str
    excerpt: str


class Shelf:
    """A knowledge base whose answer each test can set."""

    def __init__(self) -> None:
        self.passages = [
            FoundPassage(
                "invoices",
                "Invoices",
                "Billing",
                "https://help.fennel.example/invoices",
                "Open Billing, then Invoices.",
            )
        ]
        self.fault: Exception | None = None

    def search(self, query: str, max_results: int = 5) -> Sequence[FoundPassage]:
        if self.fault:
            raise self.fault
        return self.passages[:max_results]


@dataclass
class Told:
    """An event sink that remembers; the same key counts once, as in the real log."""

    events: dict[str, tuple[EventKind, dict[str, Any]]] = field(default_factory=dict)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def emit(self, kind: EventKind, key: str, *, duration_ms: int | None = None, **payload: Any) -> None:
        json.dumps(payload)
        self.events.setdefault(key, (kind, payload))

    def text(self, source: str, delta: str) -> None:
        self.texts.append((source, delta))

    def finish_text(self, source: str, text: str) -> None: ...

    def restart_text(self, source: str) -> None:
        self.texts.append((source, "<restart>"))

    def of(self, kind: EventKind) -> list[dict[str, Any]]:
        return [payload for told, payload in self.events.values() if told is kind]


@dataclass
class Models:
    """One scripted model per role."""

    triage: ScriptedModel = field(default_factory=ScriptedModel)
    specialist: ScriptedModel = field(default_factory=ScriptedModel)
    writer: ScriptedModel = field(default_factory=ScriptedModel)
    guardrail: ScriptedModel = field(default_factory=ScriptedModel)

    def for_role(self, role: str, /) -> Model:
        model: Model = getattr(self, role)
        return model


class Desk:
    """The team over a temporary database; ``ask`` runs one message."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.shelf = Shelf()
        self.models = Models()
        self.told = Told()
        self.steps: Any = DirectSteps()
        self.team: Team = build_team(
            models=self.models, records=records, knowledge=self.shelf, settings=Settings(_env_file=None)
        )

    def context(self, message: str = "Where are my invoices?", **changes: Any) -> TriageContext:
        values: dict[str, Any] = {
            "run_id": "run-1",
            "conversation_id": "conversation-1",
            "message": message,
            "today": NOW.date(),
            "customer_email": "alice@example.com",
            "facts": RunFacts(),
        }
        return TriageContext(**{**values, **changes})

    def scope(self, segment: int = 0) -> RunScope:
        return RunScope(run_id="run-1", segment=segment, steps=self.steps, events=self.told)

    async def ask(
        self, context: TriageContext, *turns: Any, verdict: Any = PASS, start: str = "triage", traced: bool = False
    ) -> Any:
        """Run a new message with these turns of the agent's model and return the runner's result."""
        self.models.guardrail.enqueue([assistant_message(verdict if isinstance(verdict, str) else json.dumps(verdict))])
        getattr(self.models, start).extend(turns)
        return await self.run(self.team.start_input(context), context, traced=traced)

    async def ask_orders(self, context: TriageContext, *turns: Any) -> Any:
        """Run a message that the triage agent hands to the orders specialist at once."""
        self.models.triage.enqueue([call("transfer_to_orders_specialist", {}, "handoff")])
        return await self.ask(context, *turns, start="specialist")

    async def run(
        self, start: Any, context: TriageContext, *, segment: int = 0, traced: bool = False
    ) -> RunResultStreaming:
        enter_scope(self.scope(segment))
        result = Runner.run_streamed(
            self.team.entry,
            start,
            context=context,
            run_config=RunConfig(
                tracing_disabled=not traced,
                tool_execution=ToolExecutionConfig(
                    max_function_tool_concurrency=1, pre_approval_tool_input_guardrails=True
                ),
            ),
        )
        async for _ in result.stream_events():
            pass
        return result

    async def resume(
        self, result: RunResultStreaming, context: TriageContext, *, approve: bool, reason: str = ""
    ) -> RunResultStreaming:
        """Store the paused run as JSON, read it again, decide everything, and go on with fresh facts from the store."""
        stored = json.dumps(result.to_state().to_json(context_serializer=lambda _: {}))
        facts = RunFacts.model_validate(json.loads(json.dumps(context.facts.model_dump(mode="json"))))
        context.facts = facts
        state: Any = await RunState.from_json(
            self.team.entry, json.loads(stored), context_deserializer=lambda _: context
        )
        for item in state.get_interruptions():
            if approve:
                state.approve(item)
                context.decided = {**context.decided, str(item.call_id): decided(item)}
            else:
                state.reject(item, rejection_message=reason)
        return await self.run(state, context, segment=1)


def decided(item: ToolApprovalItem) -> DecidedCall:
    """Return the decision of a person for a call as it is proposed."""
    tool, call_id, arguments = str(item.name), str(item.call_id), json.loads(item.arguments or "{}")
    return DecidedCall(
        approval_id=f"apr_{call_id}",
        tool=tool,
        call_id=call_id,
        proposed=arguments,
        arguments=arguments,
        arguments_hash=hash_of_call(tool, call_id, arguments),
    )


def call(name: str, arguments: Mapping[str, Any] | str, call_id: str) -> Any:
    """One tool call of a scripted model."""
    return function_call(name, arguments, call_id=call_id)


def answer(**changes: Any) -> list[Any]:
    """The typed result as a scripted model's last turn."""
    values = {
        "category": "billing",
        "urgency": "low",
        "summary": "The customer looks for invoices.",
        "recommended_action": "Send the reply.",
        "requires_human": False,
        "reply_draft": "Open Billing, then Invoices.",
        "citations": [],
        "confidence": 0.9,
    }
    return [assistant_message(json.dumps({**values, **changes}))]


def outputs(result: RunResultStreaming) -> list[str]:
    """What the tools answered to the model, in order."""
    return [str(item.output) for item in result.new_items if item.type == "tool_call_output_item"]
