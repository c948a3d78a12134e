"""What people say of guardrails: marks on trips, released messages, evaluation cases."""

from __future__ import annotations

import builtins
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.records.base import Store, upsert
from storage.records.prepared import Prepared
from storage.records.schema_guardrails import cases, releases, trip_marks
from triage.domain import Case, Judgement, Precision, Release, TripMark

_MARKS_AMONG = Prepared(sa.select(trip_marks).where(trip_marks.c.id.in_(sa.bindparam("ids", expanding=True))))
_MARKED = sa.select(trip_marks.c.id, trip_marks.c.judgement).where(
    trip_marks.c.tripped_at >= sa.bindparam("start"), trip_marks.c.tripped_at < sa.bindparam("end")
)
_PRECISION = (
    sa.select(trip_marks.c.guardrail, trip_marks.c.judgement, sa.func.count().label("marks"))
    .where(trip_marks.c.tripped_at >= sa.bindparam("start"), trip_marks.c.tripped_at < sa.bindparam("end"))
    .group_by(trip_marks.c.guardrail, trip_marks.c.judgement)
    .order_by(trip_marks.c.guardrail)
)

_RELEASE_OF = Prepared(sa.select(releases).where(releases.c.run_id == sa.bindparam("run_id")))
_RELEASE_INTO = Prepared(sa.select(releases).where(releases.c.released_run_id == sa.bindparam("run_id")))

_CASES = Prepared(sa.select(cases).order_by(cases.c.created_at, cases.c.id))
_CASE_COUNT = sa.select(sa.func.count()).select_from(cases)
_CASES_OF_TRIPS = Prepared(sa.select(cases).where(cases.c.source_trip_id.in_(sa.bindparam("ids", expanding=True))))


class MarkStore(Store[TripMark]):
    """The marks on trips, by the id of the trip."""

    table = trip_marks
    value = TripMark
    noun = "mark"

    def put(self, mark: TripMark) -> None:
        """Keep a mark, in place of the one before on the same trip."""
        upsert(trip_marks, self.connection.dialect.name).run(self.connection, self._row(mark))

    def list_among(self, ids: Collection[str]) -> builtins.list[TripMark]:
        """Return the marks on these trips, in no order."""
        return self._all(_MARKS_AMONG, {"ids": builtins.list(ids)})

    def judgements(self, *, start: datetime, end: datetime) -> dict[str, Judgement]:
        """Return what was said of the trips of a time, by trip."""
        found = self.connection.execute(_MARKED, {"start": start, "end": end})
        return {row.id: Judgement(row.judgement) for row in found}

    def precision(self, *, start: datetime, end: datetime) -> builtins.list[Precision]:
        """Return how many of the trips of a time were marked as right and as wrong, by guardrail."""
        found: dict[str, dict[str, int]] = {}
        for row in self.connection.execute(_PRECISION, {"start": start, "end": end}):
            found.setdefault(row.guardrail, {})[row.judgement] = row.marks
        return [
            Precision(guardrail=name, right=marks.get(Judgement.RIGHT, 0), wrong=marks.get(Judgement.WRONG, 0))
            for name, marks in found.items()
        ]


class ReleaseStore(Store[Release]):
    """The blocked messages that a person let run, by the blocked run; they go with their runs."""

    table = releases
    value = Release
    noun = "release"

    def add(self, release: Release) -> None:
        """Keep a release.

        Raises:
            Conflict: the run was released already, or one of the runs does not exist.
        """
        self._add(release)

    def find(self, run_id: str) -> Release | None:
        """Return the release of a blocked run, or None."""
        return self._one(_RELEASE_OF, {"run_id": run_id})

    def find_by_released_run(self, run_id: str) -> Release | None:
        """Return the release that made this run, or None."""
        return self._one(_RELEASE_INTO, {"run_id": run_id})


class CaseStore(Store[Case]):
    """The evaluation cases, one for each text and guardrail."""

    table = cases
    value = Case
    noun = "case"

    def add(self, case: Case) -> Case:
        """Keep a case and return it; a second one of the same text and guardrail returns the kept one."""
        return self._add_once(case, unique=("message_hash", "guardrail"))

    def update(self, id: str, **changes: Any) -> Case:  # noqa: A002
        """Change fields of a case.

        Raises:
            NotFound: there is no such case.
        """
        return self._change(id, expect=None, changes=changes)

    def list(self) -> builtins.list[Case]:
        """Return all cases, oldest first."""
        return self._all(_CASES)

    def list_of_trips(self, trip_ids: Collection[str]) -> builtins.list[Case]:
        """Return the cases that were made of these trips, in no order."""
        return self._all(_CASES_OF_TRIPS, {"ids": builtins.list(trip_ids)})

    def count(self) -> int:
        """Return how many cases there are."""
        return int(self.connection.scalar(_CASE_COUNT) or 0)
