"""A small team around tools that ask, with scripted models and the real segments, records and decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from agents import Agent, Model, Tool
from agents.testing import ScriptedModel, assistant_message, function_call

from storage.records import Records
from tests.approvals.conftest import ALICE, OLGA, RITA, Woken
from triage.approvals.gate import ActionGate, NothingOff
from triage.approvals.policies import PolicyDocument, parse_policy
from triage.approvals.service import ApprovalService
from triage.domain import Approval, Run, TriageResult
from triage.runs.event_log import EventLog
from triage.runs.records import RunRecords
from triage.runs.segment import SegmentRunner
from triage.runs.service import RunService
from triage.settings import Settings
from triage.team.calls import Outcome, ToolCall, run_call
from triage.team.context import TriageContext
from triage.team.output import BuiltOutput
from triage.team.team import Team
from triage.team.tool_book import TeamToolBook
from triage.team.tools.building import desk_tool

KEY = b"k" * 32
DONE = TriageResult(
    category="billing",
    urgency="low",
    summary="The customer wants money back.",
    recommended_action="Nothing.",
    requires_human=False,
    reply_draft="We looked into it.",
    citations=[],
    confidence=0.9,
).model_dump_json()


class Policy:
    """A policy of the test; without rules every tool that changes something waits for one person."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def document(self) -> PolicyDocument:
        return parse_policy(self.text) if self.text else PolicyDocument()


class Stage:
    """One team, its scripts, and what its tools did."""

    def __init__(self, records: Records, *, policy: Policy | None = None, switches: Any = None) -> None:
        self.records = records
        self.policy = policy or Policy()
        self.done: list[tuple[str, dict[str, Any]]] = []
        self.gate = ActionGate(records=records, policies=self.policy, switches=switches or NothingOff())
        self.settings = Settings(_env_file=None)  # type: ignore[call-arg]
        self.event_log = EventLog(RunRecords(records))
        self.model, self.other = ScriptedModel(), ScriptedModel()

    def pay(self, *, once: bool = False) -> Tool:
        """Build a tool that pays out an amount."""

        async def pay_out(call: ToolCall, amount: str) -> str:
            """Pay out an amount.

            Args:
                amount: The amount.
            """

            def work() -> Outcome:
                self.done.append((call.tool_call_id, {"amount": amount}))
                return Outcome(output=f"paid {amount}", summary="paid")

            return await run_call(call, work, once=once)

        return desk_tool(pay_out, gate=self.gate, asks=True)

    def agent(self, name: str, *, model: Model | None = None, tools: Sequence[Tool] = (), **fields: Any) -> Any:
        """Build an agent that answers with the typed result."""
        usual: dict[str, Any] = {"output_type": BuiltOutput(TriageResult)}
        return Agent[TriageContext](name=name, model=model or self.model, tools=list(tools), **{**usual, **fields})

    def open(self, entry: Any, *others: Any, shape: str = "team") -> None:
        """Let a team work."""
        agents = {agent.name: agent for agent in (entry, *others)}
        self.team = Team(entry=entry, agents=agents, shape=shape)
        queue = Woken()
        self.run_records = RunRecords(self.records, policies=self.policy)
        self.segments = SegmentRunner(
            team=self.team,
            records=self.run_records,
            step_log=self.run_records,
            event_log=self.event_log,
            settings=self.settings,
            key=KEY,
            paused=self.gate.paused,
        )
        self.runs = RunService(records=self.records, queue=queue, event_log=None, stop=lambda _: None)
        self.approvals = ApprovalService(
            records=self.records, queue=queue, policies=self.policy, tools=TeamToolBook(agents.values())
        )

    async def start(self) -> Run:
        """Submit a message and work its first segment."""
        run = self.runs.submit("I want my money back.", actor=OLGA, customer_email=ALICE)
        return await self.go_on(run)

    async def go_on(self, run: Run) -> Run:
        """Work the next segment of a run."""
        await self.segments.run(run.id, self.runs.get(run.id).segment)
        return self.runs.get(run.id)

    def asked(self, run: Run) -> dict[str, Approval]:
        """Return the approvals of a run by call id, those that a policy let pass included."""
        with self.records.read() as tx:
            return {item.call_id: item for item in tx.approvals.list_of_run(run.id)}

    def decide(self, approval: Approval, decision: str) -> None:
        """Approve, edit to $1.00 or reject."""
        if decision == "edit":
            self.approvals.edit(approval.id, actor=RITA, arguments={"amount": "1.00"})
        elif decision == "approve":
            self.approvals.approve(approval.id, actor=RITA)
        else:
            self.approvals.reject(approval.id, actor=RITA, reason="Not this one.")

    def close(self) -> None:
        self.event_log.close()


def pays(**amounts: str) -> list[Any]:
    """A turn of a scripted model that pays out amounts, by call id."""
    return [function_call("pay_out", {"amount": amount}, call_id=call_id) for call_id, amount in amounts.items()]


def ends() -> list[Any]:
    """The last turn of a scripted model."""
    return [assistant_message(DONE)]


def outputs(model: ScriptedModel) -> Mapping[str, str]:
    """Return what the model was told of its calls in its last turn, by call id."""
    items = model.calls[-1].input
    assert not isinstance(items, str)
    return {
        item["call_id"]: item["output"] if isinstance(item["output"], str) else json.dumps(item["output"])
        for item in items
        if isinstance(item, dict) and item.get("type") == "function_call_output"
    }


def alone(stage: Stage, *turns: list[Any]) -> None:
    """Let one agent with the tool play its turns."""
    for turn in turns:
        stage.model.enqueue(turn)
    stage.open(stage.agent("Payer", tools=[stage.pay()]))


@pytest.fixture(name="stage")
def open_stage(records: Records) -> Iterator[Stage]:
    built = Stage(records)
    yield built
    built.close()
