"""Work on what is kept: exports, backups, erasing a customer, and what is due to go."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from triage.domain.base import Role, Value


class JobKind(StrEnum):
    """What the owner of the data folder is asked to do with it."""

    ERASE = "erase"
    EXPORT = "export"
    IMPORT = "import"
    BACKUP = "backup"
    RETENTION = "retention"


class JobStatus(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


class DataJob(Value):
    """One piece of such work: who asked for it, with what, and what came of it.

    ``arguments`` of a customer's erasure hold the address sealed, and nothing once it is done; ``progress`` is what a
    start after a kill needs to go on; ``result`` is the receipt.
    """

    id: str
    kind: JobKind
    status: JobStatus
    arguments: dict[str, Any]
    progress: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    requested_by: str
    role: Role
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class CustomerRecords(Value):
    """Which records are a customer's, by id; ``open_run_ids`` are the runs that have not ended."""

    conversation_ids: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()
    trace_ids: tuple[str, ...] = ()
    open_run_ids: tuple[str, ...] = ()
