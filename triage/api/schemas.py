"""What the API answers: runs, approvals and conversations as other programs see them.

These are not the values of the domain, so that those can change without breaking a program. Times are UTC in ISO 8601,
durations whole milliseconds, money is a string of US dollars such as "189.00".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from triage.api.examples import (
    APPROVAL,
    CONVERSATION,
    CONVERSATION_HEAD,
    ESCALATION,
    EVENT,
    MESSAGE,
    RUN,
    TICKET,
    WAITING,
    WITH_RESULT,
)
from triage.approvals.exact import shown_hash
from triage.domain import (
    Approval,
    ApprovalStatus,
    Category,
    Correction,
    Escalation,
    EventKind,
    ExecutionStatus,
    Message,
    Mode,
    RejectCode,
    Role,
    Run,
    RunFailure,
    RunStatus,
    Ticket,
    TriageResult,
    Trip,
    Urgency,
    Usage,
)
from triage.stable_ids import action_key

# Decimal's own words have exponents, which not every program reads.
Money = Annotated[
    Decimal,
    PlainSerializer(lambda amount: f"{amount:f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["69.98"]}),
]


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class RunOut(Answer):
    """One message's way through the team.

    `category` and `urgency` are the labels in force, corrections included. `cost_usd` counts the priced calls only,
    `unpriced_calls` the others. `active_ms` leaves out the waiting for people.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [RUN]})

    id: str
    conversation_id: str = Field(description="The `session_id` of its messages.")
    message_id: str
    status: RunStatus
    segment: int = Field(description="How often it went on after a decision.")
    message: str
    customer_email: str | None
    account_id: str | None
    submitted_by: str
    team: str
    category: Category | None
    urgency: Urgency | None
    reply: str | None = Field(description="The reply as it stands: the draft, or what a person made of it.")
    reply_edited_by: str | None
    reply_sent_at: datetime | None
    reply_sent_by: str | None
    hold_message: str | None = Field(description="What the customer can be told while a person decides.")
    needs_person: bool
    escalated: bool
    assigned_to: str | None
    usage: Usage
    cost_usd: Money
    unpriced_calls: int
    turns: int
    active_ms: int
    models: list[str]
    degraded: bool = Field(description="Whether no model answered and the written rules did.")
    last_agent: str | None
    retry_of: str | None
    trace_id: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime


class ApprovalOut(Answer):
    """A tool call that waits, or waited, for a person.

    `arguments` are the ones that the agent proposed, `decided_arguments` the ones that run. `arguments_hash` stands for
    what would run if it were approved now; a decision names the one that was seen.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [APPROVAL]})

    id: str
    run_id: str
    conversation_id: str
    call_id: str
    idempotency_key: str = Field(description="The key under which the action itself reaches other systems.")
    kind: Literal["action", "question"]
    tool: str
    agent: str
    summary: str
    arguments: dict[str, Any]
    arguments_hash: str
    decided_arguments: dict[str, Any] | None
    policy: str = Field(description="The sentence of the rule that asks for a person.")
    rule: str
    mode: Mode
    urgency: Urgency
    amount_usd: Money | None
    customer_email: str | None
    submitted_by: str
    team: str
    status: ApprovalStatus
    execution: ExecutionStatus
    claimed_by: str | None
    claimed_until: datetime | None
    endorsed_by: str | None = Field(description="The first of two people, until the second decides.")
    endorsed_at: datetime | None
    endorsed_arguments: dict[str, Any] | None
    decided_by: str | None
    decided_at: datetime | None
    reason_code: RejectCode | None
    reason: str | None
    due_at: datetime | None
    expires_at: datetime | None
    escalated_at: datetime | None
    escalated_to: Role | None
    reversed_at: datetime | None
    reversed_by: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, approval: Approval) -> ApprovalOut:
        """Return an approval as programs see it."""
        kept = approval.model_dump()
        kept["idempotency_key"] = action_key(approval.run_id, approval.call_id)
        kept["arguments_hash"] = shown_hash(approval)
        return cls.model_validate(kept)


class TicketOut(Answer):
    """Work for a person that a run made."""

    model_config = ConfigDict(json_schema_extra={"examples": [TICKET]})

    id: str
    title: str
    description: str
    priority: Urgency
    category: Category
    status: Literal["open", "closed"]
    created_by: str
    created_at: datetime


class EscalationOut(Answer):
    """A conversation that was handed to a person, with the reason."""

    model_config = ConfigDict(json_schema_extra={"examples": [ESCALATION]})

    id: str
    reason: str
    urgency: Urgency
    created_by: str
    created_at: datetime


class CorrectionOut(Answer):
    """A label that a person changed."""

    id: str
    field: Literal["category", "urgency"]
    before: str | None
    after: str
    corrected_by: str
    corrected_at: datetime


class Outcome(StrEnum):
    """What a run has come to: which part of the answer to read."""

    WORKING = "working"
    RESULT = "result"
    APPROVAL = "approval"
    BLOCK = "block"
    FAILURE = "failure"
    CANCELLED = "cancelled"


_OUTCOMES = {
    RunStatus.COMPLETED: Outcome.RESULT,
    RunStatus.AWAITING_APPROVAL: Outcome.APPROVAL,
    RunStatus.BLOCKED: Outcome.BLOCK,
    RunStatus.FAILED: Outcome.FAILURE,
    RunStatus.CANCELLED: Outcome.CANCELLED,
}


class RunAnswer(Answer):
    """A run with what has come of it, the one shape of submitting, waiting and reading.

    `outcome` says which part to read: `result` (then `result`), `approval` (then `approvals`: a person decides),
    `block` (then `block`: a guardrail stopped it), `failure` (then `failure`), `cancelled`, or `working`.
    `approvals` has all that the run asked for, decided ones included.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [WITH_RESULT, WAITING]})

    outcome: Outcome
    run: RunOut
    result: TriageResult | None = Field(description="What the agents said.")
    approvals: list[ApprovalOut]
    block: Trip | None = Field(description="The guardrail that stopped it, and what the customer is told.")
    failure: RunFailure | None
    tickets: list[TicketOut]
    escalations: list[EscalationOut]
    corrections: list[CorrectionOut]

    @classmethod
    def of(
        cls,
        run: Run,
        *,
        approvals: Sequence[Approval],
        tickets: Sequence[Ticket],
        escalations: Sequence[Escalation],
        corrections: Sequence[Correction],
    ) -> RunAnswer:
        """Put a run and what belongs to it together."""
        return cls(
            outcome=_OUTCOMES.get(run.status, Outcome.WORKING),
            run=RunOut.model_validate(run),
            result=run.result,
            approvals=[ApprovalOut.of(approval) for approval in approvals],
            block=run.trip,
            failure=run.failure,
            tickets=[TicketOut.model_validate(ticket) for ticket in tickets],
            escalations=[EscalationOut.model_validate(item) for item in escalations],
            corrections=[CorrectionOut.model_validate(item) for item in corrections],
        )


class RunPage(Answer):
    """One page of runs, newest first; `next_cursor` is null on the last one."""

    runs: list[RunOut]
    next_cursor: str | None


class ApprovalPage(Answer):
    """One page of approvals; `next_cursor` is null on the last one."""

    approvals: list[ApprovalOut]
    next_cursor: str | None


class MessageOut(Answer):
    """One text of a conversation; written by a customer or the team, so it is data and never markup."""

    model_config = ConfigDict(json_schema_extra={"examples": [MESSAGE]})

    id: str
    author: Literal["customer", "team"]
    text: str
    run_id: str | None
    created_at: datetime

    @classmethod
    def of(cls, message: Message) -> MessageOut:
        """Return a message as programs see it."""
        return cls.model_validate(message)


class ConversationHead(Answer):
    """A conversation without what was said in it."""

    model_config = ConfigDict(json_schema_extra={"examples": [CONVERSATION_HEAD]})

    id: str
    customer_email: str | None
    account_id: str | None
    subject: str
    team: str
    created_at: datetime
    updated_at: datetime = Field(description="When it last changed, as by a message.")


class ConversationPage(Answer):
    """One page of conversations; `next_cursor` is null on the last one."""

    conversations: list[ConversationHead]
    next_cursor: str | None


class ConversationOut(ConversationHead):
    """A conversation with its messages and the ids of its runs, each oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [CONVERSATION]})

    messages: list[MessageOut]
    runs: list[str]


class EventOut(Answer):
    """One numbered entry of a run's event log, the `data` of a server-sent event."""

    model_config = ConfigDict(json_schema_extra={"examples": [EVENT]})

    seq: int
    kind: EventKind
    at: datetime
    duration_ms: int | None
    payload: dict[str, Any]
