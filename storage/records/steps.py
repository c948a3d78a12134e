"""Durable steps: what each finished step of a running segment returned."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.prepared import Prepared
from storage.records.schema import run_steps

_LOAD = Prepared(
    sa.select(run_steps.c.key, run_steps.c.outcome).where(
        run_steps.c.run_id == sa.bindparam("run_id"), run_steps.c.segment == sa.bindparam("segment")
    )
)
_PUT = Prepared(sa.insert(run_steps))
_FORGET = Prepared(
    sa.delete(run_steps).where(
        run_steps.c.run_id == sa.bindparam("of_run"), run_steps.c.segment == sa.bindparam("of_segment")
    )
)


class StepStore:
    """The outcomes of finished steps."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def load(self, run_id: str, segment: int) -> dict[str, Any]:
        """Return the outcomes of a segment by step key."""
        rows = _LOAD.rows(self.connection, {"run_id": run_id, "segment": segment})
        return {row["key"]: row["outcome"] for row in rows}

    def forget(self, run_id: str, segment: int) -> None:
        """Drop the outcomes of a segment that has ended: nothing reads them again, and they hold customers' words."""
        _FORGET.run(self.connection, {"of_run": run_id, "of_segment": segment})

    def put(self, run_id: str, segment: int, key: str, outcome: Any) -> None:
        """Keep the outcome of one step."""
        _PUT.run(self.connection, {"run_id": run_id, "segment": segment, "key": key, "outcome": outcome})
