"""The background thread that carries the spool into the trace store."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import orjson
import structlog

from triage.domain.traces import IngestHealth
from triage.errors import InvalidInput, TriageError
from triage.tracing.pricing import add_costs
from triage.tracing.rows import finish_times
from triage.tracing.spool import Spool, count_set_aside, is_complete, list_segments, read_block, set_aside

BATCH_BYTES = 8 * 1024 * 1024
# What the store, or the sorting of lines, says to a line that does not fit.
_REFUSALS = (InvalidInput, ValueError)
_SPAN_START = b'{"type":"span",'
_LONGEST_PAUSE_S = 30.0
# A batch costs the store some 20 ms however small it is: a busy desk gathers for longer and pays that less often.
_PAUSE_PER_WORK = 25
_LONGEST_GATHERING_S = 3.0
# Planning the look for words costs more than a few words do, and a search reads in the store what the index lacks.
WORDS_EVERY_S = 5.0

log = structlog.get_logger(__name__)


class TraceSink(Protocol):
    """Where the rows go; each call is one transaction."""

    def insert_batch(
        self,
        *,
        span_lines: Sequence[bytes] = (),
        runs: Sequence[dict[str, Any]] = (),
        traces: Sequence[dict[str, Any]] = (),
        price: Callable[[list[dict[str, Any]]], None],
        segment: str,
        offset: int,
    ) -> None:
        """Keep the rows and, with them, that ``segment`` is read up to ``offset``.

        Raises:
            InvalidInput: a row does not fit the tables; nothing was kept.
        """

    def offsets(self) -> dict[str, int]:
        """Return how far each segment was read."""

    def index_words(self) -> bool:
        """Make the next stretch of what came in findable by its words; return whether more of it waits."""

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
        self._has_backlog = False
        self._stopping = False
        self._failures = 0
        self._trouble: str | None = None
        self._is_short_of_words = False
        self._words_due_at = 0.0
        self._thread = threading.Thread(target=self._work, name="trace-ingest", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._spool.on_backlog = self._hurry
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

    def health(self) -> IngestHealth:
        """Return whether everything comes in, and how much was set aside."""
        return IngestHealth(
            lines_set_aside=count_set_aside(self._spool.folder),
            trouble=self._trouble,
            backlog_bytes=sum(self._left_of(segment) for segment in list_segments(self._spool.folder)),
        )

    def stop(self, *, timeout_s: float) -> None:
        """Take in what is there a last time and end the thread."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        self._thread.join(timeout_s)

    def _left_of(self, segment: Path) -> int:
        try:
            return max(0, segment.stat().st_size - self._offset(segment))
        except FileNotFoundError:
            # It came in just now.
            return 0

    def _hurry(self) -> None:
        """Let the thread begin before its time, so that a busy moment is taken in while it lasts."""
        with self._state:
            self._has_backlog = True
            self._state.notify_all()

    def _work(self) -> None:
        while True:
            with self._state:
                asked, stopping = self._asked, self._stopping
            begun = time.monotonic()
            self._try_pass(asked)
            took_s = time.monotonic() - begun
            if stopping:
                return
            if not self._failures:
                self._index_words(asked)
            with self._state:
                self._state.wait_for(partial(self._is_urgent, asked=asked), self._pause_s(took_s))
                self._has_backlog = False

    def _pause_s(self, took_s: float) -> float:
        """Return how long to wait after a pass that took so long, unless something is urgent."""
        if self._failures:
            return min(self._interval_s * 2.0**self._failures, _LONGEST_PAUSE_S)
        return max(self._interval_s, min(took_s * _PAUSE_PER_WORK, _LONGEST_GATHERING_S))

    def _is_urgent(self, *, asked: int) -> bool:
        """Whether the next pass must not wait; a backlog waits nevertheless while the store is in trouble."""
        return self._asked != asked or self._stopping or (self._has_backlog and not self._failures)

    def _try_pass(self, asked: int) -> None:
        """Read all segments once; trouble with the store is logged once and tried again later, never passed on."""
        try:
            wrote = self._spool.retry()
            self.take_in()
        except Exception as error:  # noqa: BLE001 - the boundary: a store in trouble must not reach any run.
            if self._failures == 0:
                log.error("trace_store_failed", error=type(error).__name__)  # noqa: TRY400 - a traceback may hold rows.
            self._failures += 1
            self._trouble = trouble_of(error)
            return
        if self._failures:
            log.info("trace_store_works_again")
        self._failures = 0
        self._trouble = None
        if wrote:
            with self._state:
                self._answered = max(self._answered, asked)
                self._state.notify_all()

    def _index_words(self, asked: int) -> None:
        """Make what came in findable by its words, now and then, for as long as nothing is more urgent."""
        if time.monotonic() < self._words_due_at:
            return
        try:
            while not self._is_urgent(asked=asked):
                if not self._sink.index_words():
                    self._words_due_at = time.monotonic() + WORDS_EVERY_S
                    break
        except Exception as error:  # noqa: BLE001 - the boundary; a search reads in the store what the index lacks.
            if not self._is_short_of_words:
                log.warning("words_not_indexed", error=type(error).__name__)
            self._is_short_of_words = True
            return
        self._is_short_of_words = False

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
        """Insert what is there now; what comes meanwhile waits for the next pass, so that batches stay large."""
        offset, end = self._offset(segment), segment.stat().st_size
        while offset < end and (block := read_block(segment, offset=offset, limit=BATCH_BYTES)):
            offset = self._insert(segment, offset=offset, block=block)

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

    def _insert(self, segment: Path, *, offset: int, block: bytes) -> int:
        """Put the lines into the store and return the offset behind them.

        Nothing looks at the spans before the store does, because looking holds up the run. Only when it refuses a batch
        are the lines looked at one by one, and what then still does not fit is found by halving.
        """
        end = offset + len(block)
        try:
            self._put(segment, block=block, end=end)
        except _REFUSALS:
            lines = BytesIO(block).readlines()
            placed = list(zip(accumulate(map(len, lines), initial=offset), lines, strict=False))
            good = [(start, line) for start, line in placed if is_record(line)]
            if len(good) < len(lines):
                self._refuse(segment, offset=offset, lines=[line for line in lines if not is_record(line)])
            self._insert_by_halves(segment, placed=good)
            self._put(segment, block=b"", end=end)
        if self._offsets is not None:
            self._offsets[segment.name] = end
        return end

    def _insert_by_halves(self, segment: Path, *, placed: list[tuple[int, bytes]]) -> None:
        """Put lines with their offsets into the store; those at fault end up alone and are set aside."""
        if not placed:
            return
        start, last = placed[-1]
        try:
            self._put(segment, block=b"".join(line for _, line in placed), end=start + len(last))
        except _REFUSALS:
            if len(placed) == 1:
                self._refuse(segment, offset=start, lines=[last])
                return
            middle = len(placed) // 2
            self._insert_by_halves(segment, placed=placed[:middle])
            self._insert_by_halves(segment, placed=placed[middle:])

    def _put(self, segment: Path, *, block: bytes, end: int) -> None:
        self._sink.insert_batch(**sort_lines(block), price=add_costs, segment=segment.name, offset=end)

    def _refuse(self, segment: Path, *, offset: int, lines: list[bytes]) -> None:
        set_aside(segment, offset=offset, lines=lines)
        log.warning("spool_lines_rejected", segment=segment.name, offset=offset, lines=len(lines))

    def _offset(self, segment: Path) -> int:
        return (self._offsets or {}).get(segment.name, 0)

    def _forget(self, name: str) -> None:
        self._sink.forget_segment(name)
        if self._offsets is not None:
            self._offsets.pop(name, None)


def trouble_of(error: Exception) -> str:
    """Return what keeps spans out of the store as a sentence for a person."""
    if getattr(error, "errno", None) == errno.ENOSPC or "no space left" in str(error).lower():
        return "No space is left on the disk: free some. Spans wait in the spool and come in by themselves afterwards."
    if isinstance(error, TriageError):
        return str(error)
    return (
        f"The trace store cannot be written at present ({type(error).__name__}). Spans wait in the spool and come in as"
        " soon as it can."
    )


def sort_lines(block: bytes) -> dict[str, list[Any]]:
    """Return the lines by where they go; those of spans stay as they are, and in one piece where there are no others.

    Raises:
        ValueError: one of the few others cannot be read.
    """
    batch: dict[str, list[Any]] = {"span_lines": [], "runs": [], "traces": []}
    if _is_all_spans(block):
        batch["span_lines"].append(block)
        return batch
    for line in BytesIO(block).readlines():
        if line.startswith(_SPAN_START):
            batch["span_lines"].append(line)
            continue
        record = orjson.loads(line)
        kind = record.pop("type", None) if isinstance(record, dict) else None
        if kind not in ("run", "trace"):
            raise ValueError("not a line of the spool")
        batch[f"{kind}s"].append(finish_times(record))
    return batch


def _is_all_spans(block: bytes) -> bool:
    """Whether all lines, each of them with its newline, are of spans."""
    position = 0
    while block.startswith(_SPAN_START, position):
        position = block.index(b"\n", position) + 1
    return 0 < position == len(block)


def is_record(line: bytes) -> bool:
    """Whether a line can be read at all."""
    try:
        sort_lines(line)
        return isinstance(orjson.loads(line), dict)
    except (ValueError, TypeError):
        return False
