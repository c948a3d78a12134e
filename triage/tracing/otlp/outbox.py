"""The outbox: lines that still have to go to the collector, in files that outlive a kill, up to a limit.

It is filled from the side of the trace store: what the store is about to take is written here first, so that a kill in
between sends a span twice and never leaves one out. The lines are those of the spool, and so are the files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import orjson

from triage.tracing.ingest import TraceSink
from triage.tracing.otlp.status import ExportStatus, read_status, write_status
from triage.tracing.spool import Spool, is_complete, list_segments, read_block

MAX_OUTBOX_BYTES = 256 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024
_REPLAYED = b'"is_replay":true'


class Known(Protocol):
    """What the trace store has already."""

    def ended_runs(self, run_ids: Collection[str]) -> set[str]:
        """Return those of the runs that are known to have ended."""

    def spans(self, trace_ids: Collection[str]) -> set[tuple[str, str]]:
        """Return the trace and span ids of all spans of the traces."""


@dataclass(frozen=True)
class Block:
    """Lines that go out together, and where the next ones begin, as the files were when they were read."""

    lines: list[bytes]
    segment: str
    end: int
    reading: int


class Outbox:
    """Lines in the order in which they came; ``max_bytes`` is what may wait before the oldest are given up."""

    def __init__(
        self, folder: Path, *, max_bytes: int = MAX_OUTBOX_BYTES, segment_bytes: int = 8 * 1024 * 1024
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._spool = Spool(folder, segment_bytes=segment_bytes)
        self._lock = threading.Lock()
        # Grows when files change below a block that was read.
        self._reading = 0
        self.status: ExportStatus = read_status(folder)
        self.on_put: Callable[[], None] = _ignore

    def put(self, lines: bytes) -> None:
        """Add lines, each with its newline; returns at once."""
        if lines:
            self._spool.append(lines)
            self.on_put()

    def next(self) -> Block | None:
        """Return the oldest lines that are not done with, or None; the same ones until ``done`` is called."""
        with self._lock:
            self._spool.retry()
            for segment in list_segments(self._folder):
                # The order matters: what is complete before it is read to its end has nothing more to come.
                complete = is_complete(segment)
                offset = self._offset(segment)
                if found := read_block(segment, offset=offset, limit=BLOCK_BYTES):
                    return Block(BytesIO(found).readlines(), segment.name, offset + len(found), self._reading)
                if complete:
                    segment.unlink()
            return None

    def is_current(self, block: Block) -> bool:
        """Whether the lines are still those of the files."""
        with self._lock:
            return block.reading == self._reading

    def done(self, block: Block, **changes: Any) -> None:
        """Note that the lines need not go out again, and what else is new about the export."""
        with self._lock:
            if block.reading == self._reading:
                changes |= {"segment": block.segment, "offset": block.end}
            self._note(**changes)

    def note(self, **changes: Any) -> None:
        """Keep what is new about the export, for whoever asks in another process."""
        with self._lock:
            self._note(**changes)

    def trim(self) -> None:
        """Give up the oldest files while more waits than is allowed."""
        with self._lock:
            segments = list_segments(self._folder)
            sizes = {segment: segment.stat().st_size for segment in segments}
            for segment in segments:
                if sum(sizes.values()) <= self._max_bytes or not is_complete(segment):
                    break
                with segment.open("rb") as file:
                    file.seek(self._offset(segment))
                    lost = sum(1 for _ in file)
                segment.unlink()
                del sizes[segment]
                self._reading += 1
                self._note(dropped=self.status.dropped + lost)

    def forget(self, trace_ids: Collection[str]) -> int:
        """Take every line of these traces out; return how many there were."""
        with self._lock:
            self._spool.close()
            self._reading += 1
            return sum(self._rewrite(segment, trace_ids=trace_ids) for segment in list_segments(self._folder))

    def close(self) -> None:
        """End writing; what waits stays for the next start."""
        self._spool.close()

    def _rewrite(self, segment: Path, *, trace_ids: Collection[str]) -> int:
        """Keep of a file what still has to go out and is not of these traces."""
        with segment.open("rb") as file:
            file.seek(self._offset(segment))
            lines = file.readlines()
        kept = [line for line in lines if _trace_of(line) not in trace_ids]
        if self.status.segment == segment.name:
            # Before the file is shorter than the place: a kill in between sends lines twice.
            self._note(segment=None, offset=0)
        written = segment.with_suffix(".part")
        written.write_bytes(b"".join(kept))
        written.replace(segment)
        return len(lines) - len(kept)

    def _offset(self, segment: Path) -> int:
        return self.status.offset if self.status.segment == segment.name else 0

    def _note(self, **changes: Any) -> None:
        self.status = self.status.model_copy(update=changes)
        write_status(self._folder, self.status)


class OutboxSink:
    """Puts what the trace store takes into the outbox as well; a span or the end of a run once each."""

    def __init__(self, sink: TraceSink, *, outbox: Outbox, known: Known) -> None:
        self._sink = sink
        self._outbox = outbox
        self._known = known
        # How far each segment is in the outbox: a batch that the store refuses comes again, and in pieces.
        self._noted: dict[str, int] = {}

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
        """Write the lines into the outbox, then let the store take them."""
        if offset > self._noted.get(segment, 0):
            lines = [*self._new_spans(span_lines), *self._ended(runs)]
            self._outbox.put(b"".join(lines))
            self._noted[segment] = offset
        self._sink.insert_batch(
            span_lines=span_lines, runs=runs, traces=traces, price=price, segment=segment, offset=offset
        )

    def offsets(self) -> dict[str, int]:
        """Return how far the store has read each segment."""
        return self._sink.offsets()

    def index_words(self) -> bool:
        """Let the store make what came in findable by its words."""
        return self._sink.index_words()

    def forget_segment(self, segment: str) -> None:
        """Forget a segment that is gone."""
        self._noted.pop(segment, None)
        self._sink.forget_segment(segment)

    def _new_spans(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Return the lines without spans that the store has, and without imported ones: those are not news."""
        found: list[bytes] = []
        for piece in pieces:
            if _REPLAYED not in piece:
                found.append(piece)
                continue
            lines = BytesIO(piece).readlines()
            records = [_record(line) if _REPLAYED in line else {} for line in lines]
            known = self._known.spans({str(record["trace_id"]) for record in records if record.get("trace_id")})
            found += [
                line
                for line, record in zip(lines, records, strict=True)
                if not record.get("is_import") and (record.get("trace_id"), record.get("span_id")) not in known
            ]
        return found

    def _ended(self, runs: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """Return a line for each run that has ended now; what changes about it later does not go out."""
        ended = {str(run["run_id"]): run for run in reversed(runs) if run.get("ended_at") and not run.get("is_import")}
        if not ended:
            return []
        known = self._known.ended_runs(list(ended))
        return [
            orjson.dumps({"type": "run", **run}, option=orjson.OPT_APPEND_NEWLINE, default=str)
            for run_id, run in ended.items()
            if run_id not in known
        ]


def _trace_of(line: bytes) -> str | None:
    return _record(line).get("trace_id")


def _record(line: bytes) -> dict[str, Any]:
    """Return a line as an object, an empty one where it is none."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _ignore() -> None:
    """Tell nobody."""
