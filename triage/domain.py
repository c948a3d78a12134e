"""The values and status words of the product (DESIGN section 5).

Everything here is plain data: no SDK, no SQL, no Streamlit. Times are aware UTC ``datetime`` and end in ``_at``,
durations are integers in milliseconds and end in ``_ms``, money is ``Decimal`` in US dollars.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


class RunStatus(StrEnum):
    """Where a run is."""

    QUEUED = "queued"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    COMPLETED = "completed"
    BLOCKED = "blocked"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the run by itself."""
        return self in FINAL_RUN_STATUSES


FINAL_RUN_STATUSES = frozenset({RunStatus.COMPLETED, RunStatus.BLOCKED, RunStatus.FAILED, RunStatus.CANCELLED})


class ApprovalStatus(StrEnum):
    """Where an approval is; ``pending`` and ``claimed`` are open."""

    PENDING = "pending"
    CLAIMED = "claimed"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether somebody can still decide it."""
        return self in OPEN_APPROVAL_STATUSES


OPEN_APPROVAL_STATUSES = frozenset({ApprovalStatus.PENDING, ApprovalStatus.CLAIMED})


class ExecutionStatus(StrEnum):
    """What became of an approved action."""

    NOT_STARTED = "not_started"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What a person works as; each later one may also do what the earlier ones may."""

    OPERATOR = "operator"
    REVIEWER = "reviewer"
    MANAGER = "manager"
    ADMIN = "admin"


class Category(StrEnum):
    """What a message is about."""

    BILLING = "billing"
    TECHNICAL = "technical"
    ACCOUNT = "account"
    FEATURE_REQUEST = "feature_request"
    OTHER = "other"


class Urgency(StrEnum):
    """How soon somebody has to act."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class OrderStatus(StrEnum):
    """Where an order is."""

    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUNDED = "refunded"


class EventKind(StrEnum):
    """What an entry of a run's event log tells."""

    RUN_QUEUED = "run.queued"
    RUN_STARTED = "run.started"
    RUN_RESUMED = "run.resumed"
    RUN_AWAITING_APPROVAL = "run.awaiting_approval"
    RUN_COMPLETED = "run.completed"
    RUN_BLOCKED = "run.blocked"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_TAKEN_OVER = "run.taken_over"
    GUARDRAIL_PASSED = "guardrail.passed"
    GUARDRAIL_TRIPPED = "guardrail.tripped"
    AGENT_STARTED = "agent.started"
    MODEL_COMPLETED = "model.completed"
    MODEL_RETRIED = "model.retried"
    MODEL_FELL_BACK = "model.fell_back"
    TOOL_CALLED = "tool.called"
    TOOL_COMPLETED = "tool.completed"
    TOOL_FAILED = "tool.failed"
    HANDOFF = "handoff"
    TEXT_DELTA = "text.delta"
    TEXT_RESTARTED = "text.restarted"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_DECIDED = "approval.decided"
    TICKET_CREATED = "ticket.created"
    ESCALATED = "escalated"
    LABEL_CORRECTED = "label.corrected"
    REPLY_EDITED = "reply.edited"
    REPLY_SENT = "reply.sent"


class Value(BaseModel):
    """A frozen value."""

    model_config = ConfigDict(frozen=True)


class Actor(Value):
    """Who does something: a person, a program or the team itself."""

    name: str
    role: Role = Role.OPERATOR


class Citation(Value):
    """A knowledge base article that an answer rests on."""

    article_id: str = Field(description="The id of the article as the search returned it.")
    title: str = Field(description="The title of the article.")
    url: str = Field(description="The URL of the article.")


class TriageResult(Value):
    """What the team makes of one message."""

    category: Category = Field(description="What the message is about; 'other' when you are not sure.")
    urgency: Urgency = Field(description="How soon somebody has to act, by the urgency definitions.")
    summary: str = Field(description="What the customer needs, in one or two sentences for a support lead.")
    recommended_action: str = Field(description="What the support team should do next, in one sentence.")
    requires_human: bool = Field(description="Whether a person has to look before anything is sent.")
    reply_draft: str = Field(
        description="Leave empty after draft_reply, whose text is taken as it stands. Else the reply to the customer."
    )
    citations: list[Citation] = Field(description="The articles that the reply rests on; only ones a search returned.")
    confidence: float = Field(description="How sure you are of category and urgency, from 0 to 1.")


class Usage(Value):
    """Tokens and calls of a run or of one model call."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields})


class RunFailure(Value):
    """Why a run failed, for a person: a stable code and one sentence."""

    code: str
    message: str


class Trip(Value):
    """A guardrail that stopped a run."""

    guardrail: str
    stage: Literal["input", "output", "tool_input", "tool_output"]
    verdict: str
    reason: str
    customer_message: str


class Conversation(Value):
    """The messages that belong together; the SDK calls its id the group id."""

    id: str
    customer_email: str | None
    account_id: str | None
    subject: str
    created_at: datetime
    updated_at: datetime


class Message(Value):
    """One text in a conversation; ``author`` says whose it is."""

    id: str
    conversation_id: str
    author: Literal["customer", "team"]
    text: str
    run_id: str | None
    created_at: datetime


class Run(Value):
    """One message's way through the team.

    ``result`` is what the agents said; ``category`` and ``urgency`` are the labels in force, which a correction
    changes. ``cost_usd`` counts the priced calls only and ``unpriced_calls`` the others; ``active_ms`` leaves out the
    waiting for people. ``escalated`` lasts until a reply is sent after the escalation.
    """

    id: str
    conversation_id: str
    message_id: str
    idempotency_key: str | None = None
    status: RunStatus
    segment: int = 0
    message: str
    customer_email: str | None = None
    account_id: str | None = None
    submitted_by: str
    category: Category | None = None
    urgency: Urgency | None = None
    result: TriageResult | None = None
    reply: str | None = None
    reply_edited_by: str | None = None
    reply_sent_at: datetime | None = None
    reply_sent_by: str | None = None
    failure: RunFailure | None = None
    trip: Trip | None = None
    usage: Usage = Usage()
    cost_usd: Decimal = Decimal(0)
    unpriced_calls: int = 0
    turns: int = 0
    active_ms: int = 0
    models: list[str] = Field(default_factory=list)
    degraded: bool = False
    escalated: bool = False
    last_agent: str | None = None
    assigned_to: str | None = None
    retry_of: str | None = None
    trace_id: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to look at the run, and nobody has closed it by sending a reply.

        A message that an input guardrail refused needs nobody; one that was stopped later was a request, and the
        customer was told that a person answers it. An escalation counts from the moment it is made, also after a reply.
        """
        if self.escalated:
            return True
        if self.reply_sent_at is not None:
            return False
        if self.status is RunStatus.FAILED:
            return True
        if self.status is RunStatus.BLOCKED:
            return self.trip is not None and self.trip.stage != "input"
        if self.status is RunStatus.CANCELLED:
            return self.assigned_to is not None
        asks_for_one = self.result is not None and self.result.requires_human
        return self.status is RunStatus.COMPLETED and (self.degraded or asks_for_one)


class RunEvent(Value):
    """One numbered entry of a run's event log; ``seq`` starts at 1 and has no gaps."""

    run_id: str
    seq: int
    key: str
    kind: EventKind
    at: datetime
    duration_ms: int | None = None
    payload: dict[str, Any] = Field(default_factory=dict)


class NewEvent(Value):
    """An event before it has its number. The same ``key`` in the same run is kept once, so a replay adds nothing."""

    key: str
    kind: EventKind
    at: datetime
    duration_ms: int | None = None
    payload: dict[str, Any] = Field(default_factory=dict)


class Approval(Value):
    """One tool call that waits, or waited, for a person.

    ``arguments`` are the ones that the agent proposed, as decided they are in ``decided_arguments``.
    """

    id: str
    run_id: str
    segment: int
    conversation_id: str
    call_id: str
    tool: str
    agent: str
    arguments: dict[str, Any]
    decided_arguments: dict[str, Any] | None = None
    summary: str
    policy: str
    status: ApprovalStatus
    execution: ExecutionStatus = ExecutionStatus.NOT_STARTED
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    created_at: datetime
    updated_at: datetime


class StoredState(Value):
    """A paused run: the SDK's RunState as JSON text with its signature and the build that wrote it."""

    run_id: str
    segment: int
    state: str
    facts: dict[str, Any]
    signature: str
    sdk_version: str
    schema_version: str
    tools_fingerprint: str
    created_at: datetime


class Invoice(Value):
    """One invoice of an account."""

    number: str
    issued_at: datetime
    amount_usd: Decimal
    status: Literal["paid", "open", "overdue", "failed"]


class Account(Value):
    """A customer's subscription."""

    id: str
    name: str
    email: str
    plan: str
    status: Literal["active", "past_due", "suspended", "cancelled"]
    seats: int
    created_at: datetime
    invoices: list[Invoice] = Field(default_factory=list)
    is_sample: bool = False


class Order(Value):
    """An order of the shop."""

    id: str
    customer_email: str
    product: str
    quantity: int
    total_usd: Decimal
    status: OrderStatus
    tracking_number: str | None = None
    created_at: datetime
    delivered_at: datetime | None = None
    is_sample: bool = False


class Refund(Value):
    """A refund that was made; ``call_id`` makes it happen once."""

    id: str
    order_id: str
    run_id: str
    call_id: str
    amount_usd: Decimal
    reason: str
    created_at: datetime


class Ticket(Value):
    """Work for a person; ``call_id`` makes one tool call create it once."""

    id: str
    run_id: str
    call_id: str
    conversation_id: str
    title: str
    description: str
    priority: Urgency
    category: Category
    status: Literal["open", "closed"] = "open"
    created_by: str
    created_at: datetime


class Escalation(Value):
    """A conversation that was handed to a person, with the reason; ``key`` makes one wish count once in its run."""

    id: str
    run_id: str
    key: str
    conversation_id: str
    reason: str
    urgency: Urgency
    created_by: str
    created_at: datetime


class Correction(Value):
    """A label that a person changed."""

    id: str
    run_id: str
    field: Literal["category", "urgency"]
    before: str | None
    after: str
    corrected_by: str
    corrected_at: datetime


class RunFilter(Value):
    """Which runs a list shows; an empty filter shows all, newest first."""

    statuses: tuple[RunStatus, ...] = ()
    categories: tuple[Category, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    needs_person: bool | None = None
    text: str = ""
    conversation_id: str | None = None
