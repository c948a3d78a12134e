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
_STAMPS = [run_states.c.sdk_version, run_states.c.schema_version, run_states.c.tools_fingerprint]
_OF_WAITING = (
    sa.select(runs.c.id, *_STAMPS)
    .select_from(
        runs.outerjoin(run_states, sa.and_(run_states.c.run_id == runs.c.id, run_states.c.segment == runs.c.segment))
    )
    .where(runs.c.status == RunStatus.AWAITING_APPROVAL.value)
    .order_by(runs.c.created_at, runs.c.id)
)
_OF_OTHER_BUILDS = _OF_WAITING.where(
    sa.or_(run_states.c.run_id.is_(None), *(stamp != sa.bindparam(stamp.name) for stamp in _STAMPS))
)
_WAITING = sa.select(runs.c.id, runs.c.segment).where(runs.c.status == RunStatus.AWAITING_APPROVAL.value)


class StateStore:
    """The state at the end of each paused segment."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, state: StoredState) -> None:
        """Keep the state of a segment, in place of the one a replay may have kept before."""
        row = {name: plain(getattr(state, name)) for name in StoredState.model_fields}
        self.connection.execute(upsert(run_states, self.connection.dialect.name), row)

    def get(self, run_id: str, segment: int) -> StoredState:
        """Return the state at the end of a segment.

        Raises:
            NotFound: the segment did not pause.
        """
        row = self.connection.execute(_GET, {"run_id": run_id, "segment": segment}).first()
        if row is None:
            raise NotFound(f"The run has no stored state for segment {segment}.")
        return StoredState.model_validate(row._asdict())

    def of_other_builds(self, build: Build) -> list[tuple[str, Build | None]]:
        """Return the runs that wait for a person and were paused by another build than this, oldest first.

        With each comes the build that paused it, None where the run has no stored state at all.
        """
        rows = self.connection.execute(_OF_OTHER_BUILDS, build.model_dump())
        return [
            (row.id, None if row.sdk_version is None else Build.model_validate(row, from_attributes=True))
            for row in rows
        ]

    def of_waiting(self) -> list[tuple[str, int]]:
        """Return run and segment of every state from which a waiting run would go on."""
        return [(row.id, row.segment) for row in self.connection.execute(_WAITING)]
