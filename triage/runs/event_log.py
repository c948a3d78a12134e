"""The event log of all runs of this process, and the text that is being streamed right now.

Events are buffered for a few milliseconds and written together. Losing that buffer in a kill loses nothing: the
segment starts again and tells the same events under the same keys. Streamed text is kept in coalesced pieces; what is
not kept yet can be read as live text by pages of the same process.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import structlog

from triage.domain import EventKind, NewEvent, utc_now
from triage.errors import DataFolderError, OutcomeUnknown

_GATHER_S = 0.1
_RETRY_S = 0.5
_TEXT_PIECE_S = 0.4
_TEXT_PIECE_CHARS = 400

log = structlog.get_logger(__name__)


class EventStore(Protocol):
    """Where events are kept."""

    def append_many(self, batches: Mapping[str, Sequence[NewEvent]]) -> None:
        """Keep the events of several runs in one transaction."""


class _LiveText:
    """The streamed text of one source: what is in the log, and what is not yet."""

    def __init__(self, kept: str = "") -> None:
        self.kept = kept
        self.pending = ""
        self.since = 0.0


class EventLog:
    """Buffers events of the running segments and writes them in one place."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._buffer: dict[str, list[NewEvent]] = defaultdict(list)
        self._live: dict[str, dict[str, _LiveText]] = defaultdict(dict)
        self._thread = threading.Thread(target=self._write_loop, name="event-log", daemon=True)
        self._thread.start()

    @property
    def is_writing(self) -> bool:
        """Whether events that are taken are also written."""
        return self._thread.is_alive()

    def add(self, run_id: str, event: NewEvent) -> None:
        """Take an event; returns at once."""
        with self._lock:
            self._buffer[run_id].append(event)
        self._wake.set()

    def add_text(self, run_id: str, source: str, delta: str) -> None:
        """Take streamed text; a piece is kept when it is old or long enough."""
        now = time.monotonic()
        with self._lock:
            live = self._live[run_id].setdefault(source, _LiveText())
            if not live.pending:
                live.since = now
            live.pending += delta
            if now - live.since >= _TEXT_PIECE_S or len(live.pending) >= _TEXT_PIECE_CHARS:
                self._keep_text(run_id, source, live)

    def restart_text(self, run_id: str, source: str) -> None:
        """Forget what was streamed for ``source`` and say so to whoever saw it."""
        with self._lock:
            self._restart_text(run_id, source, self._live[run_id].setdefault(source, _LiveText()))
        self._wake.set()

    def finish_text(self, run_id: str, source: str, text: str) -> None:
        """Make the log hold ``text`` for ``source``: what a kill swallowed is added, what differs is replaced."""
        with self._lock:
            live = self._live[run_id].setdefault(source, _LiveText())
            if (live.kept + live.pending).strip() != text.strip():
                if not text.startswith(live.kept):
                    self._restart_text(run_id, source, live)
                live.pending = text[len(live.kept) :]
            if live.pending:
                self._keep_text(run_id, source, live)
        self._wake.set()

    def expect_text(self, run_id: str, source: str, kept: str) -> None:
        """Note what the log has of ``source`` already, streamed before a kill."""
        with self._lock:
            self._live[run_id].setdefault(source, _LiveText(kept))

    def live_text(self, run_id: str) -> dict[str, str]:
        """Return the whole text by source as far as it was streamed, whether it is kept yet or not."""
        with self._lock:
            return {source: live.kept + live.pending for source, live in self._live.get(run_id, {}).items()}

    def flush(self, run_id: str) -> None:
        """Write everything of a run; when this returns it is on disk.

        Raises:
            DataFolderError: the records cannot be written now; nothing is lost, it is tried again later.
        """
        with self._lock:
            self._end_text(run_id)
        self._write()

    @contextmanager
    def last(self, run_id: str) -> Iterator[list[NewEvent]]:
        """Hand out what is left of a run, for the caller to write; what an error leaves unwritten is kept as before."""
        # Whatever is being written at this moment stands before it.
        with self._write_lock, self._lock:
            self._end_text(run_id)
            events = self._buffer.pop(run_id, [])
        try:
            yield events
        except BaseException:
            with self._lock:
                self._buffer[run_id][:0] = events
            raise

    def close(self) -> None:
        """Write what is left and stop."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout=5)
        try:
            self._write()
        except DataFolderError as error:
            log.warning("events_not_written", error=str(error))

    def _end_text(self, run_id: str) -> None:
        for source, live in self._live.pop(run_id, {}).items():
            if live.pending:
                self._keep_text(run_id, source, live)

    def _keep_text(self, run_id: str, source: str, live: _LiveText) -> None:
        self._buffer[run_id].append(_text_event(EventKind.TEXT_DELTA, source, live.pending))
        live.kept, live.pending = live.kept + live.pending, ""
        self._wake.set()

    def _restart_text(self, run_id: str, source: str, live: _LiveText) -> None:
        if live.kept or live.pending:
            self._buffer[run_id].append(_text_event(EventKind.TEXT_RESTARTED, source, ""))
        live.kept, live.pending = "", ""

    def _write_loop(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            self._closing.wait(_GATHER_S)
            try:
                self._write()
            except DataFolderError as error:
                log.warning("events_not_written", error=str(error))
                self._closing.wait(_RETRY_S)
                self._wake.set()

    def _write(self) -> None:
        # One writer at a time keeps the order of a run's events when a flush and the loop meet.
        with self._write_lock:
            with self._lock:
                batches, self._buffer = self._buffer, defaultdict(list)
            try:
                if batches:
                    self._store.append_many(batches)
            except DataFolderError:
                with self._lock:
                    for run_id, events in batches.items():
                        self._buffer[run_id][:0] = events
                raise
            except Exception:  # noqa: BLE001 - one run's events that cannot be kept must not hold up the others'
                self._write_one_by_one(batches)

    def _write_one_by_one(self, batches: Mapping[str, Sequence[NewEvent]]) -> None:
        """Write each run's events on their own and leave out the ones that the records refuse."""
        for run_id, events in batches.items():
            try:
                self._store.append_many({run_id: events})
            except Exception as error:  # noqa: BLE001 - see above
                log.warning("events_refused", run_id=run_id, events=len(events), error=type(error).__name__)


def _text_event(kind: EventKind, source: str, text: str) -> NewEvent:
    return NewEvent(key=f"text:{uuid.uuid4().hex}", kind=kind, at=utc_now(), payload={"source": source, "text": text})


class RunEvents:
    """The event sink of one running segment."""

    def __init__(self, event_log: EventLog, *, run_id: str) -> None:
        self._log = event_log
        self._run_id = run_id
        # By call id; None where nobody knows whether it was done.
        self.tool_outcomes: dict[str, EventKind | None] = {}

    def emit(self, kind: EventKind, key: str, *, duration_ms: int | None = None, **payload: Any) -> None:
        """Append an event to the run's log."""
        if kind in (EventKind.TOOL_COMPLETED, EventKind.TOOL_FAILED) and "call_id" in payload:
            is_unknown = payload.get("error_kind") == OutcomeUnknown.code
            self.tool_outcomes[payload["call_id"]] = None if is_unknown else kind
        self._log.add(
            self._run_id, NewEvent(key=key, kind=kind, at=utc_now(), duration_ms=duration_ms, payload=payload)
        )

    def text(self, source: str, delta: str) -> None:
        """Pass on a piece of streamed text."""
        self._log.add_text(self._run_id, source, delta)

    def restart_text(self, source: str) -> None:
        """Void the text of a source."""
        self._log.restart_text(self._run_id, source)

    def finish_text(self, source: str, text: str) -> None:
        """Say what the whole text of a source is."""
        self._log.finish_text(self._run_id, source, text)
