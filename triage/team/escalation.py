"""The handoff to people: recorded once per run, with its reason."""

from __future__ import annotations

import asyncio
from typing import Literal

from agents import Agent, Handoff, RunContextWrapper, handoff
from pydantic import BaseModel, Field

from triage.domain import Escalation, EventKind, Urgency, utc_now
from triage.gateway import Gateway
from triage.stable_ids import stable_id
from triage.team.context import EscalationFact, RunFacts, TriageContext, scope_of

_AUTHOR = "team"
# The same for every agent: the team hands a run over once, however often it is worked.
_KEY = "agents"
_LONGEST_REASON = 1000


class EscalationReason(BaseModel):
    """Why a person has to take over."""

    reason: str = Field(description="Why a person has to take over, in one or two sentences.")
    urgency: Literal["low", "medium", "high", "critical"] = Field(description="By the urgency definitions.")


def escalation_handoff(
    agent: Agent[TriageContext], *, records: Gateway
) -> Handoff[TriageContext, Agent[TriageContext]]:
    """Build ``transfer_to_escalation``, which records the escalation before the agent takes over."""

    async def record(wrapper: RunContextWrapper[TriageContext], given: EscalationReason) -> None:
        context = wrapper.context
        scope = scope_of(context)

        async def work() -> dict[str, str]:
            kept = await asyncio.to_thread(_keep, records, context, given)
            return {"id": kept.id, "reason": kept.reason, "urgency": kept.urgency.value}

        fact = EscalationFact.model_validate(await scope.steps.run("escalation", work))
        context.facts.add(RunFacts(escalation=fact))
        scope.events.emit(
            EventKind.ESCALATED,
            f"escalation:{fact.id}",
            escalation_id=fact.id,
            reason=fact.reason,
            urgency=fact.urgency.value,
        )

    return handoff(agent, on_handoff=record, input_type=EscalationReason)


def _keep(records: Gateway, context: TriageContext, given: EscalationReason) -> Escalation:
    reason = given.reason.strip()[:_LONGEST_REASON] or "The team gave no reason."
    with records.begin() as stores:
        return stores.escalations.add(
            Escalation(
                id=stable_id("E", context.run_id, _AUTHOR),
                run_id=context.run_id,
                key=_KEY,
                conversation_id=context.conversation_id,
                reason=reason,
                urgency=Urgency(given.urgency),
                created_by=_AUTHOR,
                created_at=utc_now(),
            )
        )
