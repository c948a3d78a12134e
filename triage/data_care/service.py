"""What people ask for: erase a customer, export, back up; asked here and done by the owner of the data folder."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage.access.actions import Action, require
from triage.audit.entries import add_entry, staff_words
from triage.data_care import erasure
from triage.data_care.backup import ELSEWHERE
from triage.data_care.holdings import AuditWord, Receipt, customer_mark, size_of
from triage.data_care.retention import Retention
from triage.data_care.sealed import seal_address
from triage.domain import Actor, DataJob, JobKind, JobStatus, utc_now
from triage.errors import InvalidInput
from triage.gateway import Gateway
from triage.runs.intake import clean_email

if TYPE_CHECKING:
    from triage.tracing.incoming.files import ImportReport

# What the keeper of the data folder needs to know beside the address.
_ACTIONS = {
    JobKind.ERASE: Action.CUSTOMERS_ERASE,
    JobKind.BACKUP: Action.DATA_BACKUP,
    JobKind.RETENTION: Action.RETENTION_CHANGE,
    JobKind.EXPORT: Action.TRACES_EXPORT,
    JobKind.IMPORT: Action.TRACES_IMPORT,
}
_AUDITED = {
    JobKind.ERASE: AuditWord(action="customer.erasure_asked"),
    JobKind.BACKUP: AuditWord(action="data.backup_asked"),
    JobKind.RETENTION: AuditWord(action="data.retention_asked"),
    JobKind.EXPORT: AuditWord(action="traces.export_asked"),
    JobKind.IMPORT: AuditWord(action="traces.import_asked"),
}
SPANS_IMPORTED = AuditWord(action="traces.imported")


class DataCareService:
    """Work on what is kept, from the side of whoever asks for it; any process may ask."""

    def __init__(self, *, records: Gateway, key: bytes, folder: Path, retention: Retention, place: str | None) -> None:
        self._records = records
        self._place = place
        self._key = key
        self._folder = folder
        self.retention = retention

    def preview_erasure(self, email: str, *, actor: Actor) -> dict[str, int]:
        """Return what the records hold of a customer, by kind and count.

        Raises:
            NotAllowed: the actor is not an administrator.
            InvalidInput: it is not an address.
        """
        require(actor, Action.CUSTOMERS_ERASE)
        return erasure.preview(self._records, email=_address(email))

    def erase(self, email: str, *, actor: Actor) -> DataJob:
        """Ask for a customer to be erased; the address is kept sealed, and until it is done only.

        Raises:
            NotAllowed: the actor is not an administrator.
            InvalidInput: it is not an address.
        """
        address = _address(email)
        arguments = {"customer": customer_mark(address, key=self._key), "sealed": seal_address(address, key=self._key)}
        return self._ask(JobKind.ERASE, arguments, actor=actor, subject=arguments["customer"])

    def export_traces(
        self,
        file: Path | None = None,
        *,
        actor: Actor,
        since: datetime | None = None,
        until: datetime | None = None,
        statuses: Sequence[str] = (),
        categories: Sequence[str] = (),
    ) -> DataJob:
        """Ask for traces to be written to a file, one in the data folder where none is named.

        Raises:
            NotAllowed: the actor is not a manager.
            InvalidInput: there is a file of this name.
        """
        require(actor, Action.TRACES_EXPORT)
        name = f"traces-{utc_now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}.zip"
        target = (file or self._folder / "exports" / name).resolve()
        if target.exists():
            raise InvalidInput(f"There is a file {target} already; name another one.")
        arguments = {
            "file": str(target),
            "since": since and since.isoformat(),
            "until": until and until.isoformat(),
            "statuses": list(statuses),
            "categories": list(categories),
        }
        return self._ask(JobKind.EXPORT, arguments, actor=actor, subject=target.name)

    def import_traces(self, file: Path, *, actor: Actor) -> DataJob:
        """Ask for an export to be taken in.

        Raises:
            NotAllowed: the actor is not an administrator.
        """
        path = file.resolve()
        return self._ask(JobKind.IMPORT, {"file": str(path)}, actor=actor, subject=path.name)

    def import_spans(self, file: Path, *, content: str, actor: Actor) -> ImportReport:
        """Bring the spans of a file into the spool, from where they come into the trace store by themselves.

        Raises:
            NotAllowed: the actor is not an administrator.
            InvalidInput: the file is of another kind altogether.
            DataFolderError: the spool cannot be written; what was written so far is taken in.
        """
        from triage.tracing.incoming.files import import_traces  # noqa: PLC0415 - nothing else needs its packages

        require(actor, Action.TRACES_IMPORT)
        # Told before anything is in, so that nothing comes in unseen whatever happens on the way.
        subject = ("file", staff_words(file.name) or "")
        with self._records.begin() as tx:
            add_entry(tx, _AUDITED[JobKind.IMPORT].action, actor=actor, subject=subject)
        report = import_traces(file, spool_dir=self._folder / "spool", content=content)
        with self._records.begin() as tx:
            told = {"taken": report.taken, "refused": report.wrong}
            add_entry(tx, SPANS_IMPORTED.action, actor=actor, subject=subject, after=told)
        return report

    def back_up(self, file: Path, *, actor: Actor) -> DataJob:
        """Ask for a backup of the data folder.

        Raises:
            NotAllowed: the actor is not an administrator.
            InvalidInput: there is a file of this name, or the records are in another database.
        """
        # Asked before the look: whether a file exists is nothing for others.
        require(actor, Action.DATA_BACKUP)
        if self.no_backup is not None:
            raise InvalidInput(self.no_backup)
        path = file.resolve()
        if path.exists():
            raise InvalidInput(f"There is a file {path} already; name another one.")
        return self._ask(JobKind.BACKUP, {"file": str(path)}, actor=actor, subject=path.name)

    def apply_retention(self, *, actor: Actor, dry_run: bool = False) -> DataJob:
        """Ask for what is over to be removed now, or with ``dry_run`` only counted; each day it is removed anyway.

        Raises:
            NotAllowed: the actor is not an administrator.
        """
        return self._ask(JobKind.RETENTION, {"dry_run": dry_run}, actor=actor, subject="retention")

    def get(self, job_id: str, *, actor: Actor) -> DataJob:
        """Return a job with what came of it.

        Raises:
            NotAllowed: the actor is not a manager.
            NotFound: there is no such job.
        """
        _require_reader(actor)
        with self._records.read() as tx:
            return tx.data_jobs.get(job_id)

    def list(self, kinds: Sequence[JobKind] = (), *, actor: Actor, limit: int = 50) -> builtins.list[DataJob]:
        """Return jobs, newest first.

        Raises:
            NotAllowed: the actor is not a manager.
        """
        _require_reader(actor)
        with self._records.read() as tx:
            return tx.data_jobs.list(kinds, limit=limit)

    @property
    def no_backup(self) -> str | None:
        """Why no backup can be made here and what to do instead, None where one can."""
        return None if self._place is None else ELSEWHERE

    @property
    def backup_folder(self) -> Path:
        """Where a backup goes when nobody says another place: beside the data folder, not in it."""
        return self._folder.parent / "backups"

    def sizes(self, *, actor: Actor) -> dict[str, int]:
        """Return the bytes of each part of the data folder.

        Raises:
            NotAllowed: the actor is not a manager.
        """
        _require_reader(actor)
        parts = {
            "Records": ("triage.db", "triage.db-wal"),
            "Traces": ("traces.duckdb", "traces.duckdb.wal"),
            "Index of words": ("traces.words", "traces.words-wal"),
            "On its way into the traces": ("spool",),
            "Exports": ("exports",),
        }
        return {name: sum(size_of(self._folder / part) for part in names) for name, names in parts.items()}

    def read_export(self, job_id: str, *, actor: Actor) -> bytes:
        """Return the file of an export, to be downloaded; that is entered into the audit log.

        Raises:
            NotAllowed: the actor is not a manager.
            InvalidInput: the file is gone.
        """
        require(actor, Action.TRACES_EXPORT)
        job = self.get(job_id, actor=actor)
        path = Path(str((job.result or {}).get("file", "")))
        if job.kind is not JobKind.EXPORT or not path.is_file():
            raise InvalidInput("The file of this export is gone; make another one.")
        with self._records.begin() as tx:
            add_entry(tx, "traces.export_downloaded", actor=actor, subject=("job", job.id))
        return path.read_bytes()

    def _ask(self, kind: JobKind, arguments: Receipt, *, actor: Actor, subject: str) -> DataJob:
        require(actor, _ACTIONS[kind])
        job = DataJob(
            id=f"job_{secrets.token_hex(8)}",
            kind=kind,
            status=JobStatus.WAITING,
            arguments={**arguments, "place": self._place} if self._place else arguments,
            requested_by=actor.name,
            role=actor.role,
            created_at=utc_now(),
        )
        said: dict[str, Any] = {"subject": subject}
        with self._records.begin() as tx:
            tx.data_jobs.add(job)
            add_entry(tx, _AUDITED[kind].action, actor=actor, subject=("job", job.id), after=said)
        return job


def _address(email: str) -> str:
    address = clean_email(email)
    if address is None:
        raise InvalidInput("Write the customer's e-mail address, such as name@company.com.")
    return address


def _require_reader(actor: Actor) -> None:
    require(actor, Action.JOBS_READ)
