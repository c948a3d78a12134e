"""The spool: finished spans as lines in append-only files, on their way to the trace store.

A segment file is written by one process, which holds an advisory lock on it for as long as it may still write. Whoever
gets that lock knows that the file is complete. The lock ends with the process, however it ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import structlog

SEGMENT_BYTES = 8 * 1024 * 1024
BACKLOG_BYTES = 4 * 1024 * 1024
MAX_WAITING_BYTES = 64 * 1024 * 1024
SUFFIX = ".jsonl"
_RETRY_S = 1.0
_LOOK_S = 0.1

log = structlog.get_logger(__name__)


class Spool:
    """Appends lines to segment files; one ``write`` a line, so that a finished line survives a kill of the process.

    While the disk takes nothing, lines wait in memory, in order, up to ``MAX_WAITING_BYTES``. ``on_backlog`` is called
    each time ``BACKLOG_BYTES`` more were written, in the writing thread; it must return at once.
    """

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._size = 0
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._retry_at = 0.0
        self._unannounced = 0
        self.on_backlog: Callable[[], None] = _ignore

    def append(self, line: bytes) -> None:
        """Write a line that ends in a newline; returns at once and raises nothing on a full disk."""
        with self._lock:
            if not self._waiting and self._write(line):
                return
            self._wait_with(line)
            if time.monotonic() >= self._retry_at:
                self._write_waiting()

    def retry(self) -> bool:
        """Write what waits in memory; return whether nothing waits any longer."""
        with self._lock:
            if self._waiting:
                self._write_waiting()
            return not self._waiting

    def close(self, *, patience_s: float = 0.0) -> None:
        """Finish the current segment; a later line starts a new one.

        ``patience_s`` is how long it waits for a disk that takes nothing, before the lines in memory are lost.
        """
        end = time.monotonic() + patience_s
        while not self.retry() and time.monotonic() < end:
            time.sleep(_LOOK_S)
        with self._lock:
            if self._waiting:
                log.error("spool_lines_lost", lines=len(self._waiting))
            self._close_segment()

    def _write(self, line: bytes) -> bool:
        """Write the line, or as much of it as the disk takes; the rest of a cut line waits before all others."""
        try:
            if self._descriptor is None:
                self._descriptor = open_segment(self.folder)
                self._size = 0
            written = os.write(self._descriptor, line)
            if written == 0:
                raise OSError(errno.EIO, "nothing was written")  # noqa: TRY301 - the same as a disk that refuses.
        except OSError as error:
            self._fail(error)
            return False
        self._size += written
        self._unannounced += written
        if self._unannounced >= BACKLOG_BYTES:
            self._unannounced = 0
            self.on_backlog()
        if written < len(line):
            self._waiting.appendleft(line[written:])
            self._waiting_bytes += len(line) - written
            return True
        if self._size >= self._segment_bytes:
            self._close_segment()
        return True

    def _write_waiting(self) -> None:
        while self._waiting:
            line = self._waiting.popleft()
            self._waiting_bytes -= len(line)
            if not self._write(line):
                self._waiting.appendleft(line)
                self._waiting_bytes += len(line)
                return
        log.info("spool_writes_again", dropped=self._dropped)
        self._dropped = 0
        self._retry_at = 0.0

    def _wait_with(self, line: bytes) -> None:
        if self._waiting_bytes + len(line) > MAX_WAITING_BYTES:
            self._dropped += 1
            return
        self._waiting.append(line)
        self._waiting_bytes += len(line)

    def _fail(self, error: OSError) -> None:
        if self._retry_at == 0.0:
            log.error("spool_write_failed", errno=error.errno, reason=error.strerror)
        self._retry_at = time.monotonic() + _RETRY_S

    def _close_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _ignore() -> None:
    """Do nothing about a backlog."""


def open_segment(folder: Path) -> int:
    """Create a segment, locked for this process, and return its descriptor.

    The name is never used again, because the store remembers by name how far a segment was read. The file gets it only
    once it is locked: a reader must not take a new file for a finished one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(3)}{SUFFIX}"
    unnamed = path.with_suffix(".new")
    descriptor = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unnamed.rename(path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def list_segments(folder: Path) -> list[Path]:
    """Return the segment files, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def is_complete(segment: Path) -> bool:
    """Whether nobody writes to the segment any more."""
    with segment.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def read_block(segment: Path, *, offset: int, limit: int) -> bytes:
    """Return the finished lines from ``offset`` on: ``limit`` bytes and the rest of the last line."""
    with segment.open("rb") as file:
        file.seek(offset)
        block = file.read(limit)
        if len(block) == limit and not block.endswith(b"\n"):
            block += file.readline()
    return block[: block.rfind(b"\n") + 1]


def count_set_aside(folder: Path) -> int:
    """Return how many lines of a spool lie in ``rejected/``."""
    count = 0
    for path in (folder / "rejected").glob(f"*{SUFFIX}"):
        text = path.read_bytes()
        count += text.count(b"\n") + (not text.endswith(b"\n"))
    return count


def set_aside(segment: Path, *, offset: int, lines: list[bytes]) -> Path:
    """Keep lines that cannot be read in ``rejected/`` and return the file; the same place gives the same file."""
    folder = segment.parent / "rejected"
    folder.mkdir(exist_ok=True)
    path = folder / f"{segment.stem}-{offset}{SUFFIX}"
    path.write_bytes(b"".join(lines))
    return path
