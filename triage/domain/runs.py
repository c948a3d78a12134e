"""Runs: one message's way through the team, and what comes of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from triage.domain.base import DEFAULT_TEAM, Value
from triage.domain.labels import Category, Urgency


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


HOLD_MESSAGE = (
    "Thank you for your message. A colleague is looking at it now, because we want to get this right; you will hear "
    "from us as soon as it is decided."
)


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
    team: str = DEFAULT_TEAM
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
    def hold_message(self) -> str | None:
        """What the customer can be told while a person decides; None when nothing waits."""
        return HOLD_MESSAGE if self.status is RunStatus.AWAITING_APPROVAL else None

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


class RunFilter(Value):
    """Which runs a list shows; an empty filter shows all, newest first.

    ``before`` are those that come after a place in that order: the time and the id of the last run that was seen.
    """

    statuses: tuple[RunStatus, ...] = ()
    categories: tuple[Category, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    needs_person: bool | None = None
    text: str = ""
    conversation_id: str | None = None
    team: str | None = None
    before: tuple[datetime, str] | None = None


class RunHead(Value):
    """How far a run is: its status, and the number of the last event in its log."""

    status: RunStatus
    last_event: int


class Build(Value):
    """What a paused run relies on: the SDK and its state schema, and the team's tools, handoffs and instructions."""

    sdk_version: str
    schema_version: str
    tools_fingerprint: str


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
