"""What the event log of a run tells."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from triage.domain.base import Value


class EventKind(StrEnum):
    """What an entry of a run's event log tells."""

    RUN_QUEUED = "run.queued"
    RUN_STARTED = "run.started"
    RUN_RESUMED = "run.resumed"
    RUN_RELEASED = "run.released"
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
    APPROVAL_CLAIMED = "approval.claimed"
    APPROVAL_ENDORSED = "approval.endorsed"
    APPROVAL_DECIDED = "approval.decided"
    APPROVAL_EXPIRED = "approval.expired"
    ACTION_REVERSED = "action.reversed"
    ACTION_RECONCILED = "action.reconciled"
    TICKET_CREATED = "ticket.created"
    ESCALATED = "escalated"
    LABEL_CORRECTED = "label.corrected"
    REPLY_EDITED = "reply.edited"
    REPLY_SENT = "reply.sent"


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
