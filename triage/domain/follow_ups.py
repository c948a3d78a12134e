"""What is left for people to do, and what they corrected."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from triage.domain.base import Value
from triage.domain.labels import Category, Urgency


class Ticket(Value):
    """Work for a person; ``call_id`` makes one tool call create it once.

    Where a help desk keeps it too, ``external_id`` and ``external_url`` are its own words for it, so they are data.
    """

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
    external_id: str | None = None
    external_url: str | None = None


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
