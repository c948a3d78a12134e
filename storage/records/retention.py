"""Finds and removes conversations whose time is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.removal import remove_conversations
from storage.records.schema import approvals, conversations, runs
from triage.domain import FINAL_RUN_STATUSES

_FINAL = [status.value for status in FINAL_RUN_STATUSES]
# What runs, waits for a person, or of which nobody knows whether it was done.
_IS_BUSY = sa.exists().where(
    runs.c.conversation_id == conversations.c.id,
    runs.c.status.not_in(_FINAL)
    | runs.c.needs_person
    | sa.exists().where(approvals.c.run_id == runs.c.id, approvals.c.execution == "unknown"),
)
_IS_DUE = (conversations.c.updated_at < sa.bindparam("before")) & ~_IS_BUSY
_LAST_CHANGE = sa.exists().where(
    runs.c.conversation_id == conversations.c.id, runs.c.updated_at >= sa.bindparam("before")
)
_DUE = sa.select(conversations.c.id).where(_IS_DUE, ~_LAST_CHANGE)


class RetentionStore:
    """Conversations by age."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def due(self, *, before: datetime, limit: int) -> list[str]:
        """Return conversations in which nothing has happened since ``before``, and which nobody waits for."""
        statement = _DUE.order_by(conversations.c.updated_at).limit(limit)
        return list(self.connection.scalars(statement, {"before": before}))

    def count_due(self, *, before: datetime) -> int:
        """Count them."""
        return self.connection.scalar(sa.select(sa.func.count()).select_from(_DUE.subquery()), {"before": before}) or 0

    def remove(self, conversation_ids: Sequence[str]) -> Counter[str]:
        """Remove conversations with their runs; tickets, escalations and refunds stay."""
        return remove_conversations(self.connection, conversation_ids, lasting=True)
