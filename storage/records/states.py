"""Paused runs: the signed states from which they go on."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import plain, upsert
from storage.records.schema import run_states, runs
from triage.domain import Build, RunStatus, StoredState
from triage.errors import NotFound

_GET = sa.select(run_states).where(
    run_states.c.run_id == sa.bindparam("run_id"), run_states.c.segment == sa.bindparam("segment")
)
_IS_WAITING = runs.c.status == RunStatus.AWAITING_APPROVAL.value
_IS_OF_RUN = sa.and_(run_states.c.run_id == runs.c.id, run_states.c.segment == runs.c.segment)
# Answered from the index of builds alone: the rows are long, and thousands may wait. The sum keeps SQLite from the
# primary key, which would find the row, but in the row the build comes after the state.
_IS_OF_BUILD = sa.and_(
    run_states.c.run_id == runs.c.id,
    run_states.c.segment + 0 == runs.c.segment,
    *(run_states.c[name] == sa.bindparam(name) for name in Build.model_fields),
)
_IS_OF_OTHER_BUILD = _IS_WAITING & ~sa.exists().where(_IS_OF_BUILD)
_BUILD = sa.select(*(run_states.c[name] for name in Build.model_fields)).where(
    _IS_OF_RUN, runs.c.id == sa.bindparam("id")
)
_WAITING = sa.select(runs.c.id, runs.c.segment).where(_IS_WAITING)


class StateStore:
    """The state at the end of each paused segment."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, state: StoredState) -> None:
        """Keep the state of a segment, in place of the one a replay may have kept before."""
        row = {name: plain(getattr(state, name)) for name in StoredState.model_fields}
        upsert(run_states, self.connection.dialect.name).run(self.connection, row)

    def get(self, run_id: str, segment: int) -> StoredState:
        """Return the state at the end of a segment.

        Raises:
            NotFound: the segment did not pause.
        """
        row = self.connection.execute(_GET, {"run_id": run_id, "segment": segment}).first()
        if row is None:
            raise NotFound(f"The run has no stored state for segment {segment}.")
        return StoredState.model_validate(row._asdict())

    def of_other_builds(self, build: Build, *, limit: int, team: str | None = None) -> list[str]:
        """Return the runs, of one team or of all, that wait for a person and were not paused by this build.

        The oldest comes first.
        """
        query = sa.select(runs.c.id).where(_is_of(team)).order_by(runs.c.created_at, runs.c.id).limit(limit)
        return list(self.connection.scalars(query, build.model_dump()))

    def count_of_other_builds(self, build: Build, *, team: str | None = None) -> int:
        """Return how many they are."""
        query = sa.select(sa.func.count()).select_from(runs).where(_is_of(team))
        return self.connection.scalar(query, build.model_dump()) or 0

    def find_build(self, run_id: str) -> Build | None:
        """Return the build that paused a waiting run, None where the run has no stored state."""
        row = self.connection.execute(_BUILD, {"id": run_id}).first()
        return None if row is None else Build.model_validate(row._asdict())

    def of_waiting(self) -> list[tuple[str, int]]:
        """Return run and segment of every state from which a waiting run would go on."""
        return [(row.id, row.segment) for row in self.connection.execute(_WAITING)]


def _is_of(team: str | None) -> sa.ColumnElement[bool]:
    return _IS_OF_OTHER_BUILD if team is None else _IS_OF_OTHER_BUILD & (runs.c.team == team)
