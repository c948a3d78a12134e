"""Which process works on a data folder: exactly one owns it, every other one hands it work.

The owner runs the agents and has the trace store open. The lock is the operating system's, so it goes with a killed
process; the file beside it only says who the owner is.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from triage.domain import utc_now
from triage.errors import DataFolderError

OWN_WAIT_S = 2.0


@dataclass(frozen=True)
class Owner:
    """Who has the folder."""

    pid: int
    kind: str
    since: str


class DataFolder:
    """The folder with everything the product keeps."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: FileLock | None = None

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            DataFolderError: it cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.path / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise DataFolderError(
                f"The data folder {self.path} cannot be written ({error.strerror}). "
                "Give this user write access to it, or point TRIAGE_DATA_DIR at another folder."
            ) from error

    def try_own(self, kind: str, *, wait_s: float = 0) -> bool:
        """Become the owner; False when another process is it and stays it for ``wait_s`` seconds."""
        lock = FileLock(self.path / "owner.lock", timeout=wait_s)
        try:
            lock.acquire()
        except Timeout:
            return False
        self._lock = lock
        (self.path / "owner.json").write_text(
            json.dumps({"pid": os.getpid(), "kind": kind, "since": utc_now().isoformat(timespec="seconds")})
        )
        return True

    def own(self, kind: str) -> None:
        """Become the owner; who only looks whether the folder is taken holds the lock for a moment and is waited for.

        Raises:
            DataFolderError: another process owns the folder; the message says which.
        """
        if not self.try_own(kind, wait_s=OWN_WAIT_S):
            owner = self.owner()
            who = f"a {owner.kind} (process {owner.pid}, since {owner.since})" if owner else "another process"
            raise DataFolderError(
                f"The data folder {self.path.resolve()} is in use by {who}. Use that one, stop it, "
                "or start this one with another TRIAGE_DATA_DIR."
            )

    def is_taken(self) -> bool:
        """Return whether another process owns the folder now."""
        if self._lock is not None:
            return False
        lock = FileLock(self.path / "owner.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return True
        lock.release()
        return False

    def owner(self) -> Owner | None:
        """Return who says to own the folder, as far as it can be read."""
        try:
            return Owner(**json.loads((self.path / "owner.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def release(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            (self.path / "owner.json").unlink(missing_ok=True)
            self._lock.release()
            self._lock = None


def place_of(folder: Path) -> str:
    """Return what names a data folder among those that share one database; the same after each start."""
    place = f"{socket.gethostname()}:{folder.resolve()}"
    return hashlib.blake2b(place.encode(), digest_size=8).hexdigest()
