"""The inbox: other programs write the spans that they finish into it, and a thread brings them into the spool.

Nothing of theirs is trusted: each line is looked at like one of an imported file, and none is taken for a run's. A line
is in the spool before its file goes; after a kill in between it comes again, and the trace store leaves it out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import structlog

from triage.errors import InvalidInput
from triage.tracing.incoming.lines import spool_line
from triage.tracing.spool import is_complete, list_segments, read_block, set_aside

INTERVAL_S = 1.0
BLOCK_BYTES = 1024 * 1024
_TAKEN = ("span", "trace")
_OF_RUNS = ("run_id", "segment")

log = structlog.get_logger(__name__)


class Inbox:
    """Watches the folder; ``write`` puts lines into the spool and returns whether the disk took them."""

    def __init__(
        self, folder: Path, *, write: Callable[[bytes], bool], content: str, interval_s: float = INTERVAL_S
    ) -> None:
        self._folder = folder
        self._write = write
        self._content = content
        self._interval_s = interval_s
        # How far each file was read; after a restart an unfinished one is read again from its start.
        self._offsets: dict[str, int] = {}
        # The thread takes turns with whoever needs everything in the spool now.
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._is_in_trouble = False
        self._thread = threading.Thread(target=self._work, name="trace-inbox", daemon=True)

    def start(self) -> None:
        """Make the folder and start the thread."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def close(self) -> None:
        """Bring in what is there and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def take_in(self) -> bool:
        """Bring every finished line into the spool and delete the files that are done; return whether all went in."""
        with self._turn:
            return self._take_in()

    def _take_in(self) -> bool:
        if not self._write(b""):
            return False
        segments = list_segments(self._folder)
        self._offsets = {segment.name: self._offsets.get(segment.name, 0) for segment in segments}
        for segment in segments:
            # The order matters: what is complete before it is read to its end has nothing more to come.
            complete = is_complete(segment)
            if not self._read(segment):
                return False
            if complete:
                self._finish(segment)
        return True

    def _work(self) -> None:
        while True:
            stopping = self._stopping.is_set()
            self._try_pass()
            if stopping:
                return
            self._stopping.wait(self._interval_s)

    def _try_pass(self) -> None:
        try:
            self.take_in()
        except Exception as error:  # noqa: BLE001 - the boundary: what others write must not reach any run.
            if not self._is_in_trouble:
                log.error("trace_inbox_failed", error=type(error).__name__)  # noqa: TRY400 - it may hold a payload.
            self._is_in_trouble = True
            return
        self._is_in_trouble = False

    def _read(self, segment: Path) -> bool:
        """Bring in what is there of a file; return False when the spool takes no more."""
        while block := read_block(segment, offset=self._offsets[segment.name], limit=BLOCK_BYTES):
            lines, wrong = self._looked_at(block)
            if wrong:
                set_aside(segment, offset=self._offsets[segment.name], lines=wrong)
                log.warning("inbox_lines_rejected", segment=segment.name, lines=len(wrong))
            # Lines that only wait in memory are not read again, but their file stays until the disk has them.
            self._offsets[segment.name] += len(block)
            if not self._write(b"".join(lines)):
                return False
        return True

    def _looked_at(self, block: bytes) -> tuple[list[bytes], list[bytes]]:
        """Return the spool lines that a block becomes, and its lines that cannot be taken."""
        taken, wrong = [], []
        for line in BytesIO(block).readlines():
            # An erasure leaves blanks where a customer stood.
            if not line.strip():
                continue
            try:
                taken.append(spool_line(_plain(orjson.loads(line)), content=self._content, marks={}))
            except (InvalidInput, ValueError):
                wrong.append(line)
        return taken, wrong

    def _finish(self, segment: Path) -> None:
        """Delete a file that is in the spool; what is left of a line cut by a kill is set aside."""
        offset = self._offsets.pop(segment.name)
        with segment.open("rb") as file:
            file.seek(offset)
            rest = file.read()
        if rest:
            set_aside(segment, offset=offset, lines=[rest])
        segment.unlink()


def _plain(record: Any) -> Any:
    """Return a record without a claim to be part of one of our runs.

    Raises:
        InvalidInput: it is no span and no trace.
    """
    if not isinstance(record, dict) or record.get("type") not in _TAKEN:
        raise InvalidInput("It is no span and no trace.")
    return {name: value for name, value in record.items() if name not in _OF_RUNS}
