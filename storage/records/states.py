"""Paused runs: the signed states from which they go on."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import plain, upsert
from storage.records.schema import run_states
from triage.domain import StoredState
from triage.errors import NotFound

_GET = sa.select(run_states).where(
    run_states.c.run_id == sa.bindparam("run_id"), run_states.c.segment == sa.bindparam("segment")
)


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
