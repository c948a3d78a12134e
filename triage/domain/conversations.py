"""Conversations and the messages in them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from triage.domain.base import DEFAULT_TEAM, Value


class Conversation(Value):
    """The messages that belong together; the SDK calls its id the group id."""

    id: str
    customer_email: str | None
    account_id: str | None
    subject: str
    created_at: datetime
    updated_at: datetime
    team: str = DEFAULT_TEAM


class ConversationFilter(Value):
    """Which conversations a list shows; an empty filter shows all, the one that began last first.

    ``before`` are those that come after a place in that order: the time and the id of the last one that was seen.
    """

    customer_email: str | None = None
    account_id: str | None = None
    text: str = ""
    team: str | None = None
    before: tuple[datetime, str] | None = None


class Message(Value):
    """One text in a conversation; ``author`` says whose it is."""

    id: str
    conversation_id: str
    author: Literal["customer", "team"]
    text: str
    run_id: str | None
    created_at: datetime
