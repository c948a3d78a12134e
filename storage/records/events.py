"""The event log of each run."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import add_rows, insert_once, plain
from storage.records.prepared import Prepared
from storage.records.schema import run_events, runs
from triage.domain import EventKind, NewEvent, RunEvent, RunHead, RunStatus
from triage.errors import Conflict

# Two processes that append to one run take turns; on SQLite its write lock sees to that.
_LOCK_RUNS = Prepared(
    sa.select(runs.c.id)
    .where(runs.c.id.in_(sa.bindparam("run_ids", expanding=True)))
    .order_by(runs.c.id)
    .with_for_update(key_share=True)
)
_PLACES = Prepared(
    sa.select(
        runs.c.id,
        runs.c.status,
        sa.select(sa.func.coalesce(sa.func.max(run_events.c.seq), 0))
        .where(run_events.c.run_id == runs.c.id)
        .scalar_subquery()
        .label("last"),
    ).where(runs.c.id.in_(sa.bindparam("run_ids", expanding=True)))
)
_KEYS = Prepared(
    sa.select(run_events.c.key).where(
        run_events.c.run_id == sa.bindparam("run_id"), run_events.c.key.in_(sa.bindparam("keys", expanding=True))
    )
)
_DROP_AFTER = Prepared(
    sa.delete(run_events).where(run_events.c.run_id == sa.bindparam("of_run"), run_events.c.seq > sa.bindparam("last"))
)
# The kinds that tell of the agents' work; what comes before them is the desk's own word that it has the message.
_FIRST_WORK = Prepared(
    sa.select(run_events.c.run_id, sa.func.min(run_events.c.at).label("first_at"))
    .where(
        run_events.c.run_id.in_(sa.bindparam("run_ids", expanding=True)),
        run_events.c.kind.not_in([EventKind.RUN_QUEUED.value, EventKind.RUN_STARTED.value]),
    )
    .group_by(run_events.c.run_id)
)
_OF_AGENTS = [
    kind.value
    for kind in EventKind
    if kind.value.startswith(("agent.", "guardrail.", "handoff", "model.", "text.", "tool."))
]
_LAST_WORK = Prepared(
    sa.select(sa.func.max(run_events.c.at).label("last_at")).where(
        run_events.c.run_id == sa.bindparam("run_id"), run_events.c.kind.in_(_OF_AGENTS)
    )
)
_LIST = Prepared(
    sa.select(run_events)
    .where(run_events.c.run_id == sa.bindparam("run_id"), run_events.c.seq > sa.bindparam("after"))
    .order_by(run_events.c.seq)
    .limit(sa.bindparam("limit"))
)


class EventStore:
    """The numbered events of each run: from 1, without gaps, each key once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def append(
        self, run_id: str, events: Sequence[NewEvent], *, if_cancelled: Collection[EventKind] = tuple(EventKind)
    ) -> None:
        """Append the events whose keys the run does not have yet; to a cancelled run only the kinds ``if_cancelled``.

        Raises:
            Conflict: there is no such run.
        """
        self.append_many({run_id: events}, if_cancelled=if_cancelled)

    def append_many(
        self, batches: Mapping[str, Sequence[NewEvent]], *, if_cancelled: Collection[EventKind] = tuple(EventKind)
    ) -> None:
        """Append the events of several runs, in as few statements as those of one.

        Raises:
            Conflict: there is no such run; of none anything was added.
        """
        asked = {"run_ids": [run_id for run_id, events in batches.items() if events]}
        if not asked["run_ids"]:
            return
        if self.connection.dialect.name != "sqlite":
            _LOCK_RUNS.rows(self.connection, asked)
        places = _PLACES.rows(self.connection, asked)
        if len(places) < len(asked["run_ids"]):
            raise Conflict("The event cannot be added: it belongs to a run that does not exist.")
        last = {place["id"]: place["last"] for place in places}
        new: dict[str, dict[str, NewEvent]] = {}
        for place in places:
            is_cancelled = place["status"] == RunStatus.CANCELLED.value
            of_run = new[place["id"]] = {}
            for event in batches[place["id"]]:
                if not is_cancelled or event.kind in if_cancelled:
                    of_run.setdefault(event.key, event)
        if not self._insert(last, new):
            # Some were told before, which only a replay does. What was just added has taken numbers in between.
            for run_id, events in new.items():
                _DROP_AFTER.run(self.connection, {"of_run": run_id, "last": last[run_id]})
                for row in _KEYS.rows(self.connection, {"run_id": run_id, "keys": list(events)}):
                    del events[row["key"]]
            self._insert(last, new)

    def begin(self, run_id: str, event: NewEvent) -> None:
        """Write the first event of a run that was added in the same transaction."""
        add_rows(self.connection, run_events, _row(run_id, 1, event), noun="event")

    def first_work(self, run_ids: Collection[str]) -> dict[str, datetime]:
        """Return for each of the runs on which agents have shown to work when they first did."""
        rows = _FIRST_WORK.rows(self.connection, {"run_ids": list(run_ids)})
        return {row["run_id"]: row["first_at"] for row in rows}

    def last_work(self, run_id: str) -> datetime | None:
        """Return when agents last showed to be at work on a run; None where they never did."""
        found: datetime | None = _LAST_WORK.rows(self.connection, {"run_id": run_id})[0]["last_at"]
        return found

    def heads(self, run_ids: Collection[str]) -> dict[str, RunHead]:
        """Return how far each of the runs is; one that does not exist is left out."""
        rows = _PLACES.rows(self.connection, {"run_ids": list(run_ids)})
        return {row["id"]: RunHead(status=row["status"], last_event=row["last"]) for row in rows}

    def _insert(self, last: Mapping[str, int], new: Mapping[str, Mapping[str, NewEvent]]) -> bool:
        """Insert the events of each run with its next numbers and return whether every key was new."""
        rows = [
            _row(run_id, seq, event)
            for run_id, events in new.items()
            for seq, event in enumerate(events.values(), last[run_id] + 1)
        ]
        if not rows:
            return True
        statement = insert_once(run_events, ("run_id", "key"), self.connection.dialect.name)
        return statement.run(self.connection, rows) == len(rows)

    def has(self, run_id: str, key: str) -> bool:
        """Return whether the run has told the event with this key."""
        return bool(_KEYS.rows(self.connection, {"run_id": run_id, "keys": [key]}))

    def list(self, run_id: str, *, after: int = 0, limit: int = 1000) -> builtins.list[RunEvent]:
        """Return the run's events with numbers above ``after``, in order."""
        rows = _LIST.rows(self.connection, {"run_id": run_id, "after": after, "limit": limit})
        return [RunEvent.model_validate(row) for row in rows]


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
