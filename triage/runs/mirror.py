"""Keeps the trace store's picture of the runs in step with the records, whoever changed them.

Runs change in several places: the workflow, pages, the command line in another process. Instead of each of them telling
the trace store, one thread of the owner looks for what changed. It begins where the trace store ends, so a change
that was made just before a kill is not missing afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from triage.domain import Run, RunStatus
from triage.gateway import WatchedGateway

INTERVAL_S = 0.5
PAGE = 1000
# A transaction that takes a while shows its changes later than the time it gave them.
OVERLAP = timedelta(seconds=10)
BEFORE_EVERYTHING = datetime(2000, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


class RecordRun(Protocol):
    """Takes a version of a run, and when an agent first showed that it works on it."""

    def __call__(self, run: Run, *, first_event_at: datetime | None = None) -> None:
        """Keep the version."""


class RunMirror:
    """Passes every changed run on, each version once."""

    def __init__(
        self,
        *,
        records: WatchedGateway,
        record_run: RecordRun,
        stop_run: Callable[[str], None],
        since: datetime | None,
    ) -> None:
        self._records = records
        self._news = records.news()
        self._record_run = record_run
        self._stop_run = stop_run
        self._since = since or BEFORE_EVERYTHING
        self._seen: dict[str, datetime] = {}
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="run-mirror", daemon=True)

    def start(self) -> None:
        """Begin to look for changes."""
        self._thread.start()

    def sync(self) -> None:
        """Pass on what has changed up to now."""
        with self._turn:
            while self._pass_on_page():
                pass

    def close(self) -> None:
        """Pass on what is left and stop."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self.sync()

    def _pass_on_page(self) -> bool:
        """Pass on one page of changes and return whether there may be more."""
        with self._records.read() as tx:
            versions = tx.runs.versions_since(self._since - OVERLAP, limit=PAGE + len(self._seen))
            fresh = [run_id for run_id, at in versions if self._seen.get(run_id) != at]
            runs = tx.runs.list_among(fresh) if fresh else []
            first_events = tx.events.first_work(fresh) if fresh else {}
        for run in runs:
            self._seen[run.id] = run.updated_at
            self._record_run(run, first_event_at=first_events.get(run.id))
            if run.status is RunStatus.CANCELLED:
                self._stop_run(run.id)
        if fresh:
            _, newest = versions[-1]
            self._since = max(self._since, newest)
            self._seen = {run_id: at for run_id, at in self._seen.items() if at >= self._since - OVERLAP}
        return len(fresh) >= PAGE

    def _loop(self) -> None:
        while not self._closing.wait(INTERVAL_S):
            try:
                if self._news.any():
                    self.sync()
            except Exception as error:  # noqa: BLE001 - a locked database must not end the thread; the next look finds it
                self._news.forget()
                log.warning("runs_not_mirrored", error=type(error).__name__)
