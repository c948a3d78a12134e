"""Work on what is kept, as the owner of the data folder finds it."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from storage.records.base import Store
from storage.records.prepared import Prepared
from storage.records.schema_data import data_jobs
from triage.domain import DataJob, JobKind, JobStatus

_OPEN = (JobStatus.WORKING.value, JobStatus.WAITING.value)
# What a killed process left comes first.
_NEXT = Prepared(
    sa.select(data_jobs)
    .where(data_jobs.c.status.in_(_OPEN))
    .order_by(data_jobs.c.status.desc(), data_jobs.c.created_at, data_jobs.c.id)
)
_NEWEST = sa.select(data_jobs).order_by(data_jobs.c.created_at.desc(), data_jobs.c.id)


class DataJobStore(Store[DataJob]):
    """The jobs; one is worked on at a time."""

    table = data_jobs
    value = DataJob
    noun = "job"

    def add(self, job: DataJob) -> None:
        """Keep a new job."""
        self._add(job)

    def find_next(self, *, place: str | None = None) -> DataJob | None:
        """Return the job to work on: one that was begun, or the one that waits longest.

        Where several data folders share these records, each does what was asked at its ``place``: the traces and files
        that it is about are there.
        """
        jobs = self._all(_NEXT)
        return next((job for job in jobs if place is None or job.arguments.get("place") in (None, place)), None)

    def update(self, id: str, *, expect: Sequence[JobStatus] | None = None, **changes: Any) -> DataJob:  # noqa: A002
        """Change a job, if its status is one of ``expect``.

        Raises:
            NotFound: there is no such job.
            Conflict: its status is another one.
        """
        return self._change(id, expect=expect, changes=changes)

    def list(self, kinds: Sequence[JobKind] = (), *, limit: int = 50) -> builtins.list[DataJob]:
        """Return jobs of these kinds, or of all, newest first."""
        statement = _NEWEST.limit(limit)
        if kinds:
            statement = statement.where(data_jobs.c.kind.in_([kind.value for kind in kinds]))
        return self._all(statement)
