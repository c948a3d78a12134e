"""The event log of each run."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import add_rows, plain
from storage.records.schema import run_events, runs
from triage.domain import NewEvent, RunEvent

# Two processes that append to one run take turns. SQLite leaves the "for update" out: its write lock does the same.
_LOCK_RUN = sa.select(runs.c.id).where(runs.c.id == sa.bindparam("run_id")).with_for_update(key_share=True)
_LAST_SEQ = sa.select(sa.func.coalesce(sa.func.max(run_events.c.seq), 0).label("seq"), sa.null().label("key")).where(
    run_events.c.run_id == sa.bindparam("run_id")
)
_KEPT = sa.select(run_events.c.seq, run_events.c.key).where(
    run_events.c.run_id == sa.bindparam("run_id"), run_events.c.key.in_(sa.bindparam("keys", expanding=True))
)
# One query for both, since it runs with every flush of a run; the row without a key has the last number.
_LAST_AND_KEPT = sa.union_all(_LAST_SEQ, _KEPT)
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
        """Append the events whose keys the run does not have yet, and return those with their numbers.

        Raises:
            Conflict: there is no such run.
        """
        if not events:
            return []
        run = {"run_id": run_id}
        if self.connection.dialect.name != "sqlite":
            self.connection.execute(_LOCK_RUN, run)
        new: dict[str, NewEvent] = {}
        for event in events:
            new.setdefault(event.key, event)
        last = 0
        for seq, key in self.connection.execute(_LAST_AND_KEPT, {**run, "keys": list(new)}):
            if key is None:
                last = seq
            else:
                del new[key]
        if not new:
            return []
        rows = [_row(run_id, seq, event) for seq, event in enumerate(new.values(), last + 1)]
        add_rows(self.connection, run_events, rows, noun="event")
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
