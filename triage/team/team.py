"""The topology of the team: who answers, who hands over to whom, with which tools and guardrails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents import Agent, Handoff, Model, TResponseInputItem, handoff
from agents.tool import Tool

from triage.approvals.gate import ActionGate, BuiltInPolicy, NothingOff
from triage.connectors.orders import OrderBook
from triage.connectors.tickets import HelpDesk
from triage.domain import TriageResult
from triage.gateway import Gateway
from triage.llm.names import ModelRole
from triage.settings import Settings
from triage.team import instructions
from triage.team.context import RunFacts, TriageContext
from triage.team.description import TeamDescription, describe_agent, fingerprint
from triage.team.disclosure import mentioned_in, protected_phrases
from triage.team.escalation import escalation_handoff
from triage.team.guardrails import INPUT_CHECK, input_guardrail, output_guardrails
from triage.team.identity import keep_identity
from triage.team.output import BuiltOutput
from triage.team.sources import ArticleSearch, ModelSource
from triage.team.tools.accounts import account_tool
from triage.team.tools.knowledge import knowledge_tool
from triage.team.tools.orders import order_tools
from triage.team.tools.teammate import teammate_tool
from triage.team.tools.tickets import ticket_tool
from triage.team.tools.writer import draft_tool
from triage.team.verdicts import GuardrailVerdict

TRIAGE_AGENT = "Triage agent"
BILLING_SPECIALIST = "Billing specialist"
TECHNICAL_SPECIALIST = "Technical specialist"
ORDERS_SPECIALIST = "Orders specialist"
ESCALATION = "Escalation"
REPLY_WRITER = "Reply writer"

_ROLES: dict[str, ModelRole] = {
    TRIAGE_AGENT: "triage",
    BILLING_SPECIALIST: "specialist",
    TECHNICAL_SPECIALIST: "specialist",
    ORDERS_SPECIALIST: "specialist",
    ESCALATION: "specialist",
    REPLY_WRITER: "writer",
    INPUT_CHECK: "guardrail",
}
# What the other agents read of one before they hand over to it.
_PURPOSES = {
    TRIAGE_AGENT: "Reads every message first, classifies it and answers or hands over.",
    BILLING_SPECIALIST: "Charges, invoices, failed payments, plans, seats and taxes.",
    TECHNICAL_SPECIALIST: "Everything that does not work: data gone, outages, sync, sign-in faults, apps, API and "
    "integrations.",
    ORDERS_SPECIALIST: "Orders of the hardware shop: where they are, returns, refunds, broken devices.",
    ESCALATION: "Takes over what a person has to finish: a demand for one, a legal threat, a risk.",
}
_EARLIER_MESSAGES = 20
_EARLIER_CHARACTERS = 4000

TRIAGE_OUTPUT = BuiltOutput(TriageResult)

DeskAgent = Agent[TriageContext]
DeskHandoff = Handoff[TriageContext, DeskAgent]


@dataclass(frozen=True)
class Team:
    """The agents of the desk, built once and shared by all runs; a run's own state is in its context."""

    entry: DeskAgent
    agents: dict[str, DeskAgent]
    shape: str

    def start_input(
        self, context: TriageContext, history: Sequence[Mapping[str, Any]] = ()
    ) -> list[TResponseInputItem]:
        """Return the input of a new run: the conversation before it, oldest first, then the customer's message.

        ``history`` has a role, ``user`` or ``assistant``, and its text as content in each item; the last 20 are taken,
        each up to 4000 characters. The addresses and numbers in it are kept in the facts: a reply may repeat them.
        """
        items: list[TResponseInputItem] = []
        for message in history[-_EARLIER_MESSAGES:]:
            text = str(message["content"])[:_EARLIER_CHARACTERS]
            context.facts.add(RunFacts(mentioned=mentioned_in(text)))
            if message["role"] == "user":
                items.append({"role": "user", "content": text})
            else:
                items.append({"role": "assistant", "content": text})
        items.append({"role": "user", "content": context.message})
        return items

    def describe(self) -> TeamDescription:
        """Read the team from its live agents."""
        return TeamDescription(
            entry=self.entry.name,
            agents=tuple(describe_agent(agent, role=_ROLES[name]) for name, agent in self.agents.items()),
        )

    def fingerprint(self) -> str:
        """Return a stable hash of tools, schemas, handoffs and instructions."""
        return self.shape


def build_team(
    *,
    models: ModelSource,
    records: Gateway,
    knowledge: ArticleSearch,
    settings: Settings,
    gate: ActionGate | None = None,
    help_desk: HelpDesk | None = None,
    orders: OrderBook | None = None,
) -> Team:
    """Build the team over its models, records and articles; without a ``gate`` the built-in policy decides.

    With a ``help_desk`` tickets are created there too, and ``orders`` may be looked up in another database.
    """
    book = orders or OrderBook(records)
    gate = gate or ActionGate(orders=book, records=records, policies=BuiltInPolicy(), switches=NothingOff())
    writer = _plain_agent(REPLY_WRITER, models.for_role("writer"), instructions=instructions.writer_instructions)
    checker = _input_check(models)
    account = account_tool(records, gate)
    kit = _Kit(
        models=models,
        shared=(ticket_tool(records, gate, help_desk=help_desk), teammate_tool(gate), draft_tool(writer, gate)),
        search=knowledge_tool(knowledge, gate),
    )
    escalation = kit.agent(ESCALATION, instructions=instructions.escalation_instructions, tools=[account])
    to_escalation = escalation_handoff(escalation, records=records)
    billing = kit.agent(
        BILLING_SPECIALIST,
        instructions=instructions.billing_instructions,
        tools=[account],
        handoffs=[to_escalation],
    )
    technical = kit.agent(
        TECHNICAL_SPECIALIST,
        instructions=instructions.technical_instructions,
        tools=[account],
        handoffs=[to_escalation],
    )
    order_agent = kit.agent(
        ORDERS_SPECIALIST,
        instructions=instructions.orders_instructions,
        tools=order_tools(book, gate),
        handoffs=[to_escalation],
    )
    entry = kit.agent(
        TRIAGE_AGENT,
        instructions=instructions.triage_instructions,
        tools=[account],
        handoffs=[handoff(billing), handoff(technical), handoff(order_agent), to_escalation],
    )
    entry.input_guardrails = [input_guardrail(checker, beside=settings.guardrail_beside)]
    everybody = (entry, billing, technical, order_agent, escalation, writer, checker)
    keep_identity(everybody)
    agents = {agent.name: agent for agent in everybody}
    return Team(entry=entry, agents=agents, shape=fingerprint(agents))


def _input_check(models: ModelSource) -> DeskAgent:
    """Return the agent that says whether a message is one for support."""
    return _plain_agent(
        INPUT_CHECK,
        models.for_role("guardrail"),
        instructions=instructions.INPUT_CHECK_INSTRUCTIONS,
        output_type=BuiltOutput(GuardrailVerdict),
    )


@dataclass(frozen=True)
class _Kit:
    """What the agents that can finish a run have in common; tools keep no state, so they share them."""

    models: ModelSource
    search: Tool
    shared: tuple[Tool, ...]

    def agent(
        self,
        name: str,
        *,
        instructions: Callable[..., str],
        tools: Sequence[Tool],
        handoffs: Sequence[DeskHandoff] = (),
    ) -> DeskAgent:
        """Build one agent; ``tools`` are its own look-ups."""
        return Agent[TriageContext](
            name=name,
            handoff_description=_PURPOSES[name],
            instructions=instructions,
            model=self.models.for_role(_ROLES[name]),
            tools=[self.search, *tools, *self.shared],
            handoffs=list(handoffs),
            output_type=TRIAGE_OUTPUT,
            output_guardrails=output_guardrails(_SECRET_PHRASES),
        )


_SECRET_PHRASES = protected_phrases("\n".join(instructions.FIXED_TEXTS))


def _plain_agent(name: str, model: Model, *, instructions: Any, output_type: BuiltOutput | None = None) -> DeskAgent:
    return Agent[TriageContext](name=name, model=model, instructions=instructions, output_type=output_type)
