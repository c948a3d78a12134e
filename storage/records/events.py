"""The event log of each run."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import insert, plain
from storage.records.schema import run_events, runs
from triage.domain import NewEvent, RunEvent

# Two processes that append to one run take turns. SQLite leaves the "for update" out: its write lock does the same.
_LOCK_RUN = sa.select(runs.c.id).where(runs.c.id == sa.bindparam("run_id")).with_for_update(key_share=True)
_LAST_SEQ = sa.select(sa.func.coalesce(sa.func.max(run_events.c.seq), 0)).where(
    run_events.c.run_id == sa.bindparam("run_id")
)
_KEPT_KEYS = sa.select(run_events.c.key).where(
    run_events.c.run_id == sa.bindparam("run_id"), run_events.c.key.in_(sa.bindparam("keys", expanding=True))
)
_LIST = (
    sa.select(run_events)
    .where(run_events.c.run_id == sa.bindparam("run_id"), run_events.c.seq > sa.bindparam("after"))
    .order_by(run_events.c.seq)
    .limit(sa.bindparam("limit"))
)


class EventStore:
    """The numbered events of each run: from 1, without gaps, each key once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def append(self, run_id: str, events: Sequence[NewEvent]) -> builtins.list[RunEvent]:
        """Append the events whose keys the run does not have yet, and return those with their numbers."""
        if not events:
            return []
        run = {"run_id": run_id}
        if self.connection.dialect.name != "sqlite":
            self.connection.execute(_LOCK_RUN, run)
        first_of_key: dict[str, NewEvent] = {}
        for event in events:
            first_of_key.setdefault(event.key, event)
        for key in self.connection.scalars(_KEPT_KEYS, {**run, "keys": list(first_of_key)}):
            del first_of_key[key]
        if not first_of_key:
            return []
        last = self.last_seq(run_id)
        rows = [_row(run_id, seq, event) for seq, event in enumerate(first_of_key.values(), last + 1)]
        self.connection.execute(insert(run_events), rows)
        return [RunEvent.model_validate(row) for row in rows]

    def list(self, run_id: str, *, after: int = 0, limit: int = 1000) -> builtins.list[RunEvent]:
        """Return the run's events with numbers above ``after``, in order."""
        rows = self.connection.execute(_LIST, {"run_id": run_id, "after": after, "limit": limit})
        return [RunEvent.model_validate(row._asdict()) for row in rows]

    def last_seq(self, run_id: str) -> int:
        """Return the number of the run's last event, 0 where there is none."""
        return self.connection.scalar(_LAST_SEQ, {"run_id": run_id}) or 0


def _row(run_id: str, seq: int, event: NewEvent) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "seq": seq,
        "key": event.key,
        "kind": event.kind.value,
        "at": event.at,
        "duration_ms": event.duration_ms,
        "payload": plain(event.payload),
    }
