"""Actions that wait, or waited, for a person."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from triage.domain.base import Value


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
