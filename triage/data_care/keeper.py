"""Works off what was asked for, one job at a time, and once a day removes what is over; in the owner of the folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from triage.audit.entries import SYSTEM, add_entry
from triage.data_care import backup, erasure, retention
from triage.data_care.holdings import AuditWord, Holdings, Receipt
from triage.data_care.retention import Retention
from triage.data_care.sealed import unseal_address
from triage.domain import Actor, DataJob, JobKind, JobStatus, utc_now
from triage.domain.traces import TimeRange, TraceFilter
from triage.errors import DataFolderError, TriageError

LOOK_EVERY_S = 0.5
EVERY = timedelta(days=1)
LAST_RETENTION = "retention.last"
_FIRST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_DONE = {
    JobKind.ERASE: AuditWord(action="customer.erased"),
    JobKind.BACKUP: AuditWord(action="data.backed_up"),
    JobKind.RETENTION: AuditWord(action="data.retention_applied"),
    JobKind.EXPORT: AuditWord(action="traces.exported"),
    JobKind.IMPORT: AuditWord(action="traces.imported"),
}
_FAILED = AuditWord(action="data.job_failed")
# A step that could not be done now is tried again so often, then the job says what is wrong.
MAX_TRIES = 20

log = structlog.get_logger(__name__)


class DataKeeper:
    """The thread that does the work."""

    def __init__(self, holdings: Holdings, *, keep: Retention, clock: Callable[[], datetime] = utc_now) -> None:
        self._holdings = holdings
        self._keep = keep
        self._clock = clock
        self._tries = 0
        self._news = holdings.records.news()
        self._due_at = _FIRST
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="data-keeper", daemon=True)

    def start(self) -> None:
        """Begin to look for work."""
        self._thread.start()

    def close(self) -> None:
        """Stop; a job that was begun is taken up by the next start."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=60)

    def work_off(self) -> None:
        """Do everything that is asked for now."""
        while not self._closing.is_set() and self.do_next():
            pass

    def do_next(self) -> bool:
        """Do one job, if there is one; return whether there was."""
        with self._holdings.records.read() as tx:
            job = tx.data_jobs.find_next(place=self._holdings.place)
        if job is None:
            return False
        if job.status is JobStatus.WAITING:
            with self._holdings.records.begin() as tx:
                job = tx.data_jobs.update(job.id, status=JobStatus.WORKING, started_at=self._clock())
        assert job is not None  # noqa: S101 - for the type checker
        try:
            self._end(job, result=self._do(job))
        except DataFolderError as error:
            # What cannot be done now, on a full disk for example, may be possible in a moment.
            self._tries += 1
            if job.kind is not JobKind.ERASE or self._tries >= MAX_TRIES:
                self._end(job, error=str(error))
            else:
                log.warning("data_job_interrupted", job=job.id, kind=job.kind.value)
                self._closing.wait(LOOK_EVERY_S)
        except TriageError as error:
            self._end(job, error=str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: a job that fails must not end the thread
            log.warning("data_job_failed", job=job.id, kind=job.kind.value, error=type(error).__name__)
            self._end(job, error=f"It failed ({type(error).__name__}); ask for it again.")
        return True

    def tick(self) -> None:
        """Do what is asked for, and once a day what is due."""
        self.work_off()
        now = self._clock()
        with self._holdings.records.read() as tx:
            last = tx.notes.get(self._last_retention)
        self._due_at = (datetime.fromisoformat(last) if last else _FIRST) + EVERY
        if now < self._due_at:
            return
        removed = retention.apply(self._holdings, self._keep, now=now, may_go_on=lambda: not self._closing.is_set())
        with self._holdings.records.begin() as tx:
            tx.notes.put(self._last_retention, now.isoformat())
            if removed:
                add_entry(
                    tx, _DONE[JobKind.RETENTION].action, actor=SYSTEM, subject=("data", "retention"), after=removed
                )

    @property
    def _last_retention(self) -> str:
        """The note of the last day; each data folder has its own traces, so each has its own."""
        return ".".join(filter(None, (LAST_RETENTION, self._holdings.place)))

    def _do(self, job: DataJob) -> Receipt:
        holdings, arguments = self._holdings, job.arguments
        match job.kind:
            case JobKind.ERASE:
                return erasure.erase(holdings, job, email=unseal_address(arguments["sealed"], key=holdings.key))
            case JobKind.BACKUP:
                return backup.make_backup(holdings, Path(arguments["file"]))
            case JobKind.EXPORT:
                return self._export(arguments)
            case JobKind.IMPORT:
                return {"added": holdings.traces.take_in(Path(arguments["file"]))}
            case JobKind.RETENTION:
                work = retention.due if arguments.get("dry_run") else retention.apply
                return {
                    "dry_run": bool(arguments.get("dry_run")),
                    "removed": work(holdings, self._keep, now=self._clock()),
                }

    def _export(self, arguments: Receipt) -> Receipt:
        path = Path(arguments["file"])
        if not self._holdings.settle():
            raise DataFolderError("The trace store cannot take in what waits for it now; try it again later.")
        since, until = (arguments[name] and datetime.fromisoformat(arguments[name]) for name in ("since", "until"))
        chosen = TraceFilter(
            time_range=TimeRange(start=since or _FIRST, end=until or self._clock() + EVERY) if since or until else None,
            statuses=tuple(arguments["statuses"]),
            categories=tuple(arguments["categories"]),
        )
        try:
            rows = self._holdings.traces.export(path, wanted=chosen)
        except OSError as error:
            raise DataFolderError(f"The export {path} cannot be written ({error.strerror}).") from error
        return {"file": str(path), "bytes": path.stat().st_size, "rows": rows}

    def _end(self, job: DataJob, *, result: Receipt | None = None, error: str | None = None) -> None:
        self._tries = 0
        is_done = error is None
        # The address goes with the end of the work, whether that came to something or not.
        arguments = {name: value for name, value in job.arguments.items() if name != "sealed"}
        status = JobStatus.DONE if is_done else JobStatus.FAILED
        actor = Actor(name=job.requested_by, role=job.role)
        with self._holdings.records.begin() as tx:
            tx.data_jobs.update(
                job.id,
                status=status,
                arguments=arguments,
                progress=None,
                result=result,
                error=error,
                ended_at=self._clock(),
            )
            said = result if is_done else {"error": error}
            subject = ("customer", str(arguments["customer"])) if job.kind is JobKind.ERASE else ("job", job.id)
            add_entry(
                tx,
                (_DONE[job.kind] if is_done else _FAILED).action,
                actor=actor,
                subject=subject,
                after=said,
            )

    def _loop(self) -> None:
        while not self._closing.wait(LOOK_EVERY_S):
            try:
                if self._news.any() or self._clock() >= self._due_at:
                    self.tick()
            except Exception as error:  # noqa: BLE001 - a locked database must not end the thread; the next look finds it
                self._news.forget()
                log.warning("data_not_kept_in_order", error=type(error).__name__)
