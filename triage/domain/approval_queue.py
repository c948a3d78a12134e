"""What a reviewer chooses from: the lanes and filters of the approval queue, and how many are in each."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from triage.domain.approvals import ApprovalStatus, ExecutionStatus, RejectCode
from triage.domain.base import Role, Value
from triage.domain.labels import Urgency


class Lane(StrEnum):
    """What is to be done with the approvals of a list: decide them, find out what became of them, or read them."""

    WAITING = "waiting"
    UNKNOWN = "unknown"
    DECIDED = "decided"


class QueueFilter(Value):
    """Which approvals a list shows; an empty filter shows all that wait.

    ``person`` are those that this person has claimed, or in the other lanes has decided; ``due_before`` those whose due
    time is earlier; ``escalated_to`` those that have escalated to one of the roles.

    ``beyond`` are those that come after a place in the order of the lane: the time by which it is ordered, None for
    none, and the id of the last one that was seen.
    """

    lane: Lane = Lane.WAITING
    tools: tuple[str, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    person: str | None = None
    due_before: datetime | None = None
    escalated_to: tuple[Role, ...] = ()
    team: str | None = None
    run_id: str | None = None
    beyond: tuple[datetime | None, str] | None = None


class QueueCounts(Value):
    """How many approvals wait, and of those how many per tool, of a person, late, and with one of two decisions.

    ``escalated`` are those that have escalated to a role of the person.

    ``unknown`` are the ones that were approved and of which nobody knows whether they happened.
    """

    waiting: int = 0
    mine: int = 0
    overdue: int = 0
    escalated: int = 0
    half_decided: int = 0
    unknown: int = 0
    tools: dict[str, int] = Field(default_factory=dict)


class QueueLoad(Value):
    """How many approvals of all teams wait, how many of them are late, and since when the first of them waits."""

    waiting: int
    overdue: int
    oldest_at: datetime | None


class PastDecision(Value):
    """What a person decided in a case like another one, and what came of it."""

    id: str
    run_id: str
    summary: str
    amount_usd: Decimal | None
    status: ApprovalStatus
    execution: ExecutionStatus
    decided_by: str | None
    decided_at: datetime
    reason_code: RejectCode | None
    reason: str | None
    reversed_at: datetime | None
    reversed_by: str | None
