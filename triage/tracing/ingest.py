"""The background thread that carries the spool into the trace store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson
import structlog

from triage.errors import InvalidInput
from triage.tracing.pricing import add_costs
from triage.tracing.rows import finish_span, finish_times
from triage.tracing.spool import Spool, is_complete, list_segments, read_lines, set_aside

BATCH_BYTES = 8 * 1024 * 1024
_LONGEST_PAUSE_S = 30.0

log = structlog.get_logger(__name__)


class TraceSink(Protocol):
    """Where the rows go; each call is one transaction."""

    def insert_batch(
        self,
        *,
        spans: Sequence[dict[str, Any]] = (),
        runs: Sequence[dict[str, Any]] = (),
        traces: Sequence[dict[str, Any]] = (),
        segment: str,
        offset: int,
    ) -> None:
        """Keep the rows and, with them, that ``segment`` is read up to ``offset``.

        Raises:
            InvalidInput: a row does not fit the tables; nothing was kept.
        """

    def offsets(self) -> dict[str, int]:
        """Return how far each segment was read."""

    def forget_segment(self, segment: str) -> None:
        """Drop the offset of a segment that is gone."""


class Ingester:
    """Tails the segment files, own and left over ones, and puts each line into the store exactly once."""

    def __init__(self, spool: Spool, sink: TraceSink, *, interval_s: float) -> None:
        self._spool = spool
        self._sink = sink
        self._interval_s = interval_s
        self._offsets: dict[str, int] | None = None
        self._state = threading.Condition()
        self._asked = 0
        self._answered = 0
        self._stopping = False
        self._failures = 0
        self._thread = threading.Thread(target=self._work, name="trace-ingest", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def flush(self, *, timeout_s: float) -> bool:
        """Wait until everything written before this call is in the store; return whether that came true in time."""
        with self._state:
            self._asked += 1
            wanted = self._asked
            self._state.notify_all()
            return self._state.wait_for(lambda: self._answered >= wanted or self._stopping, timeout_s) and (
                self._answered >= wanted
            )

    def stop(self, *, timeout_s: float) -> None:
        """Take in what is there a last time and end the thread."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            with self._state:
                asked, stopping = self._asked, self._stopping
            self._try_pass(asked)
            if stopping:
                return
            with self._state:
                pause = min(self._interval_s * 2**self._failures, _LONGEST_PAUSE_S)
                if self._asked == asked and not self._stopping:
                    self._state.wait(pause)

    def _try_pass(self, asked: int) -> None:
        """Read all segments once; trouble with the store is logged once and tried again later, never passed on."""
        try:
            wrote = self._spool.retry()
            self.take_in()
        except Exception as error:  # noqa: BLE001 - the boundary: a store in trouble must not reach any run.
            if self._failures == 0:
                log.error("trace_store_failed", error=type(error).__name__)  # noqa: TRY400 - a traceback may hold rows.
            self._failures += 1
            return
        if self._failures:
            log.info("trace_store_works_again")
        self._failures = 0
        if wrote:
            with self._state:
                self._answered = max(self._answered, asked)
                self._state.notify_all()

    def take_in(self) -> None:
        """Bring every finished line of the spool into the store and delete the segments that are done."""
        if self._offsets is None:
            self._offsets = self._sink.offsets()
            present = {segment.name for segment in list_segments(self._spool.folder)}
            for name in self._offsets.keys() - present:
                self._forget(name)
        trouble: OSError | None = None
        for segment in list_segments(self._spool.folder):
            try:
                self._take_in_segment(segment)
            except OSError as error:  # A file that cannot be read must not keep the others out.
                trouble = error
        if trouble is not None:
            raise trouble

    def _take_in_segment(self, segment: Path) -> None:
        # The order matters: a segment found complete first and read to its end afterwards has nothing more to come.
        complete = is_complete(segment)
        self._read(segment)
        if complete:
            self._finish(segment)

    def _read(self, segment: Path) -> None:
        offset = self._offset(segment)
        while lines := read_lines(segment, offset=offset, limit=BATCH_BYTES):
            offset = self._insert(segment, offset=offset, lines=lines)

    def _finish(self, segment: Path) -> None:
        """Delete a segment that is in the store; what is left of a line cut by a kill is set aside."""
        offset = self._offset(segment)
        with segment.open("rb") as file:
            file.seek(offset)
            rest = file.read()
        if rest:
            set_aside(segment, offset=offset, lines=[rest])
            log.warning("spool_line_cut", segment=segment.name, bytes=len(rest))
        segment.unlink()
        self._forget(segment.name)

    def _insert(self, segment: Path, *, offset: int, lines: list[bytes]) -> int:
        """Put the lines into the store and return the offset behind them.

        A batch that the store refuses is halved until the lines at fault stand alone; those are set aside.
        """
        end = offset + sum(map(len, lines))
        batch, refused = read_batch(lines)
        if refused:
            self._refuse(segment, offset=offset, lines=refused)
        try:
            self._sink.insert_batch(**batch, segment=segment.name, offset=end)
        except InvalidInput:
            if len(lines) == 1:
                self._refuse(segment, offset=offset, lines=lines)
                self._sink.insert_batch(segment=segment.name, offset=end)
            else:
                middle = len(lines) // 2
                behind = self._insert(segment, offset=offset, lines=lines[:middle])
                return self._insert(segment, offset=behind, lines=lines[middle:])
        if self._offsets is not None:
            self._offsets[segment.name] = end
        return end

    def _refuse(self, segment: Path, *, offset: int, lines: list[bytes]) -> None:
        set_aside(segment, offset=offset, lines=lines)
        log.warning("spool_lines_rejected", segment=segment.name, offset=offset, lines=len(lines))

    def _offset(self, segment: Path) -> int:
        return (self._offsets or {}).get(segment.name, 0)

    def _forget(self, name: str) -> None:
        self._sink.forget_segment(name)
        if self._offsets is not None:
            self._offsets.pop(name, None)


def read_batch(lines: Sequence[bytes]) -> tuple[dict[str, list[dict[str, Any]]], list[bytes]]:
    """Return the rows of the lines by table, and the lines that are none of ours."""
    batch: dict[str, list[dict[str, Any]]] = {"spans": [], "runs": [], "traces": []}
    refused: list[bytes] = []
    for line in lines:
        try:
            record = orjson.loads(line)
            match record.pop("type"):
                case "span":
                    content = record.pop("content", None)
                    row = finish_span(record)
                    row["content"] = None if content is None else orjson.dumps(content).decode()
                    batch["spans"].append(row)
                case "run":
                    batch["runs"].append(finish_times(record))
                case "trace":
                    batch["traces"].append(finish_times(record))
                case _:
                    refused.append(line)
        except (ValueError, KeyError, TypeError, AttributeError):
            refused.append(line)
    add_costs(batch["spans"])
    return batch, refused
