"""Actions that wait, or waited, for a person."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from triage.domain.base import DEFAULT_TEAM, Role, Value
from triage.domain.labels import Urgency


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


class Mode(StrEnum):
    """What a policy says about a call: do it, ask one person, ask two, or never do it."""

    AUTO = "auto"
    APPROVAL = "approval"
    TWO_PEOPLE = "two_people"
    DENY = "deny"


class RejectCode(StrEnum):
    """Why a reviewer rejects an action; the text beside it says the rest."""

    WRONG_FACTS = "wrong_facts"
    AGAINST_POLICY = "against_policy"
    NOT_NEEDED = "not_needed"
    DONE_ALREADY = "done_already"
    OTHER = "other"


class Approval(Value):
    """One tool call that waits, or waited, for a person; a call that a policy let pass is kept like an approved one.

    ``arguments`` are the ones that the agent proposed; ``decided_arguments`` are the final ones, and
    ``arguments_hash`` is over tool, call and those. ``policy`` is the sentence of ``rule``. Where two people have to
    agree, the first one is ``endorsed_by`` until the second decides. ``question`` asks a person for an answer
    instead of leave to act. What nobody decided by its due time is ``escalated_to`` a role.
    """

    id: str
    run_id: str
    segment: int
    conversation_id: str
    call_id: str
    kind: Literal["action", "question"] = "action"
    tool: str
    agent: str
    arguments: dict[str, Any]
    decided_arguments: dict[str, Any] | None = None
    arguments_hash: str | None = None
    summary: str
    policy: str
    rule: str = ""
    policy_version: int = 0
    mode: Mode = Mode.APPROVAL
    urgency: Urgency = Urgency.MEDIUM
    amount_usd: Decimal | None = None
    customer_email: str | None = None
    submitted_by: str = ""
    team: str = DEFAULT_TEAM
    status: ApprovalStatus
    execution: ExecutionStatus = ExecutionStatus.NOT_STARTED
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    endorsed_by: str | None = None
    endorsed_at: datetime | None = None
    endorsed_arguments: dict[str, Any] | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason_code: RejectCode | None = None
    reason: str | None = None
    due_at: datetime | None = None
    expires_at: datetime | None = None
    reminded_at: datetime | None = None
    escalated_at: datetime | None = None
    escalated_to: Role | None = None
    reversed_at: datetime | None = None
    reversed_by: str | None = None
    created_at: datetime
    updated_at: datetime
