"""Runs: one message's way through the team."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.records.base import Store, plain, says
from storage.records.prepared import Prepared
from storage.records.schema import runs
from triage.domain import Run, RunFilter, RunStatus, utc_now

ALL = "all"
NEEDS_PERSON = "needs_person"

_NEWEST_FIRST = (runs.c.created_at.desc(), runs.c.id.desc())
_BY_KEY = Prepared(sa.select(runs).where(runs.c.idempotency_key == sa.bindparam("idempotency_key")))
_OTHER = runs.alias()
_IS_BEFORE = sa.or_(
    _OTHER.c.created_at < runs.c.created_at,
    sa.and_(_OTHER.c.created_at == runs.c.created_at, _OTHER.c.id < runs.c.id),
)
_IS_IN_THE_WAY = sa.or_(
    _OTHER.c.status == RunStatus.RUNNING.value, sa.and_(_OTHER.c.status == RunStatus.QUEUED.value, _IS_BEFORE)
)
# One run at a time in a conversation: the second message must find what came of the first.
_WAITING = Prepared(
    sa.select(runs.c.id, runs.c.segment)
    .where(
        runs.c.status == RunStatus.QUEUED.value,
        ~sa.exists().where(
            _OTHER.c.conversation_id == runs.c.conversation_id, _OTHER.c.id != runs.c.id, _IS_IN_THE_WAY
        ),
    )
    .order_by(runs.c.created_at, runs.c.id)
    .limit(sa.bindparam("limit"))
)
_OF_CONVERSATION = Prepared(
    sa.select(runs)
    .where(runs.c.conversation_id == sa.bindparam("conversation_id"))
    .order_by(runs.c.created_at, runs.c.id)
)
_VERSIONS_SINCE = Prepared(
    sa.select(runs.c.id, runs.c.updated_at)
    .where(runs.c.updated_at >= sa.bindparam("since"))
    .order_by(runs.c.updated_at, runs.c.id)
    .limit(sa.bindparam("limit"))
)
_AMONG = Prepared(sa.select(runs).where(runs.c.id.in_(sa.bindparam("ids", expanding=True))))
# Not against those that only refer to the run; SQLite's write lock sees to this by itself.
_LOCKED = Prepared(sa.select(runs).where(runs.c.id == sa.bindparam("id")).with_for_update(key_share=True))
# Any number will do, as long as nothing else in the database locks by the same one.
_MESSAGES_LOCK = 3_960_155_801
_LOCK_MESSAGE = sa.text("select pg_advisory_xact_lock(hashtextextended(:message_id, :number))")
_STATUS = Prepared(sa.select(runs.c.status).where(runs.c.id == sa.bindparam("id")))
_START = Prepared(
    sa.update(runs)
    .where(
        runs.c.id == sa.bindparam("the_id"),
        runs.c.segment == sa.bindparam("the_segment"),
        runs.c.status.in_([RunStatus.QUEUED.value, RunStatus.RUNNING.value]),
    )
    .values(
        status=RunStatus.RUNNING.value,
        started_at=sa.func.coalesce(runs.c.started_at, sa.bindparam("at", type_=runs.c.started_at.type)),
        updated_at=sa.bindparam("at", type_=runs.c.started_at.type),
    )
    .returning(*runs.c)
)
_COUNTS = sa.select(
    runs.c.status,
    sa.func.count().label(ALL),
    sa.func.sum(sa.case((runs.c.needs_person, 1), else_=0)).label(NEEDS_PERSON),
).group_by(runs.c.status)


class RunStore(Store[Run]):
    """The runs."""

    table = runs
    value = Run
    noun = "run"

    def add(self, run: Run) -> None:
        """Keep a new run.

        Raises:
            Conflict: its id or idempotency key is taken, or its conversation does not exist.
        """
        self._add(run)

    def update(self, id: str, *, expect: Collection[RunStatus] | None = None, **changes: Any) -> Run:  # noqa: A002
        """Change fields of a run, if its status is one of ``expect``, and return the run as it is then.

        ``updated_at`` is set unless it is given.

        Raises:
            NotFound: there is no such run.
            Conflict: its status is another one; nothing is changed.
        """
        return self._change(id, expect=expect, changes={"updated_at": utc_now(), **changes})

    def lock(self, id: str) -> Run:  # noqa: A002 - the column's name
        """Return a run that nobody else changes before this transaction ends; it is locked before its approvals.

        Raises:
            NotFound: there is no such run.
        """
        found = self._one(_LOCKED, {"id": id})
        if found is None:
            raise self._not_found(id)
        return found

    def lock_message(self, run: Run) -> builtins.list[Run]:
        """Return every run of the run's message, oldest first; nobody else adds one before this transaction ends.

        It is taken before any run and approval. SQLite's write lock sees to this by itself.
        """
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(_LOCK_MESSAGE, {"message_id": run.message_id, "number": _MESSAGES_LOCK})
        found = self.list_of_conversation(run.conversation_id)
        return [other for other in found if other.message_id == run.message_id]

    def start(self, id: str, segment: int, *, at: datetime) -> Run | None:  # noqa: A002
        """Mark a run as running and return it; None where it is in another segment by now, or has ended."""
        return self._one(_START, {"the_id": id, "the_segment": segment, "at": at})

    def find_by_key(self, idempotency_key: str) -> Run | None:
        """Return the run that was submitted with this key, or None."""
        return self._one(_BY_KEY, {"idempotency_key": idempotency_key})

    def list(self, filter: RunFilter, *, limit: int = 50, offset: int = 0) -> builtins.list[Run]:  # noqa: A002
        """Return the runs that the filter lets through, newest first."""
        statement = sa.select(runs).where(*_status_conditions(filter), *_conditions(filter), *_place(filter))
        return self._all(statement.order_by(*_NEWEST_FIRST).limit(limit).offset(offset))

    def counts(self, filter: RunFilter) -> dict[str, int]:  # noqa: A002
        """Count the runs by status word, with "all" and "needs_person", for the choice between them.

        The filter's ``statuses`` and ``needs_person`` are left out: the counts stay while a person goes through them.
        """
        counts = dict.fromkeys([ALL, NEEDS_PERSON, *(status.value for status in RunStatus)], 0)
        for row in self.connection.execute(_COUNTS.where(*_conditions(filter))):
            counts[row.status] = row.all
            counts[ALL] += row.all
            counts[NEEDS_PERSON] += row.needs_person
        return counts

    def waiting(self, *, limit: int) -> builtins.list[tuple[str, int]]:
        """Return id and segment of the queued runs that wait for no other run of their conversation, oldest first."""
        return [(row["id"], row["segment"]) for row in _WAITING.rows(self.connection, {"limit": limit})]

    def status(self, id: str) -> RunStatus:  # noqa: A002
        """Return the status of a run.

        Raises:
            NotFound: there is none.
        """
        found = _STATUS.rows(self.connection, {"id": id})
        if not found:
            raise self._not_found(id)
        return RunStatus(found[0]["status"])

    def list_of_conversation(self, conversation_id: str) -> builtins.list[Run]:
        """Return the runs of a conversation, oldest first."""
        return self._all(_OF_CONVERSATION, {"conversation_id": conversation_id})

    def versions_since(self, since: datetime, *, limit: int) -> builtins.list[tuple[str, datetime]]:
        """Return id and time of the change of the runs that were changed at ``since`` or later, oldest change first."""
        rows = _VERSIONS_SINCE.rows(self.connection, {"since": since, "limit": limit})
        return [(row["id"], row["updated_at"]) for row in rows]

    def list_among(self, ids: Collection[str]) -> builtins.list[Run]:
        """Return the runs with these ids, in no order."""
        return self._all(_AMONG, {"ids": builtins.list(ids)})

    def _changed_columns(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        columns = super()._changed_columns(changes)
        if "result" in changes:
            columns["requires_human"] = _requires_human(changes["result"])
        if "trip" in changes:
            columns["trip_stage"] = _trip_stage(changes["trip"])
        return columns

    def _row(self, value: Run) -> dict[str, Any]:
        copies = {"requires_human": _requires_human(value.result), "trip_stage": _trip_stage(value.trip)}
        return {**super()._row(value), **copies}


def _requires_human(result: Any) -> bool:
    return bool(result is not None and plain(result)["requires_human"])


def _trip_stage(trip: Any) -> str | None:
    return None if trip is None else str(plain(trip)["stage"])


def _status_conditions(filter: RunFilter) -> Iterator[sa.ColumnElement[bool]]:  # noqa: A002
    if filter.statuses:
        yield runs.c.status.in_([status.value for status in filter.statuses])
    if filter.needs_person is not None:
        yield runs.c.needs_person == filter.needs_person


def _place(filter: RunFilter) -> Iterator[sa.ColumnElement[bool]]:  # noqa: A002
    if filter.before is not None:
        at, run_id = filter.before
        # The first part alone would do; with it the database goes to the place by the index.
        yield runs.c.created_at <= at
        yield sa.or_(runs.c.created_at < at, runs.c.id < run_id)


def _conditions(filter: RunFilter) -> Iterator[sa.ColumnElement[bool]]:  # noqa: A002
    if filter.categories:
        yield runs.c.category.in_([category.value for category in filter.categories])
    if filter.urgencies:
        yield runs.c.urgency.in_([urgency.value for urgency in filter.urgencies])
    if filter.team is not None:
        yield runs.c.team == filter.team
    if filter.conversation_id is not None:
        yield runs.c.conversation_id == filter.conversation_id
    if text := filter.text.strip():
        searched = (runs.c.message, runs.c.customer_email, runs.c.id, runs.c.conversation_id)
        yield sa.or_(*(says(column, text) for column in searched))
