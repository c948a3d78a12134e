"""Everything in the data folder, as the work on what is kept sees it: the stores by what they can do."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from triage.domain.traces import TraceFilter
from triage.gateway import WatchedGateway

MARK_CHARS = 24


class Traces(Protocol):
    """The trace store, for removal and renewal."""

    def find(self, *, customer: str, run_ids: Sequence[str], conversation_ids: Sequence[str]) -> list[str]:
        """Return the traces of a customer, of runs and of conversations."""

    def remove(self, trace_ids: Collection[str]) -> Counter[str]:
        """Remove traces as a whole."""

    def due(self, *, words_before: datetime | None, measures_before: datetime | None) -> dict[str, int]:
        """Return how much is older."""

    def remove_words(self, *, before: datetime) -> Counter[str]:
        """Remove what older spans say."""

    def remove_measures(self, *, before: datetime) -> Counter[str]:
        """Remove older spans and runs."""

    def write_anew(self) -> None:
        """Write the file anew, without what was removed."""

    def copy_to(self, path: Path) -> None:
        """Copy the store as it is at one moment."""

    def export(self, path: Path, *, wanted: TraceFilter) -> dict[str, int]:
        """Write traces to an archive."""

    def take_in(self, path: Path) -> dict[str, int]:
        """Take in the traces of an archive."""

    def traces_in(self, path: Path) -> set[str]:
        """Return the ids of the traces in an archive."""


class RecordsFile(Protocol):
    """The file of the records."""

    path: Path

    def write_anew(self) -> None:
        """Write it anew, without what was removed."""

    def copy_to(self, path: Path) -> None:
        """Copy it as it is at one moment."""

    def version_of(self, path: Path) -> str:
        """Return the version of the tables in a copy."""


@dataclass(frozen=True)
class AuditWord:
    """The word under which something is entered into the audit log."""

    action: str


@dataclass(frozen=True)
class Holdings:
    """What the owner of a data folder has open.

    ``records_file`` is None where the records are in a database that other folders may share; ``place`` names this one
    among them, and is None where there are no others. ``stop_run`` interrupts a run, ``running`` names
    those at work; ``settle`` brings everything told up to now into the trace store and says whether that came true;
    ``forget_outgoing`` takes traces out of what waits for a collector.
    """

    folder: Path
    records: WatchedGateway
    records_file: RecordsFile | None
    traces: Traces
    key: bytes
    place: str | None
    settle: Callable[[], bool]
    stop_run: Callable[[str], None] = lambda _: None
    running: Callable[[], Sequence[str]] = list
    flush_events: Callable[[str], None] = lambda _: None
    forget_outgoing: Callable[[set[str]], int] = lambda _: 0

    @property
    def aside(self) -> tuple[Path, ...]:
        """Where lines lie that could not be read: the console's own and those of other programs."""
        return self.folder / "spool" / "rejected", self.inbox / "rejected"

    @property
    def inbox(self) -> Path:
        """Where other programs write their spans."""
        return self.folder / "inbox"

    @property
    def exports(self) -> Path:
        """Where exports go that name no place."""
        return self.folder / "exports"


def customer_mark(email: str, *, key: bytes) -> str:
    """Return what stands for a customer where the address must not: it is the same each time and leads nowhere back."""
    said = f"customer\n{email.strip().lower()}".encode()
    return f"customer_{hmac.new(key, said, hashlib.sha256).hexdigest()[:MARK_CHARS]}"


def as_numbers(counts: Counter[str] | dict[str, int]) -> dict[str, int]:
    """Return counts for a receipt, without those of nothing."""
    return {name: count for name, count in sorted(counts.items()) if count}


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of everything in a folder; what goes away meanwhile counts nothing."""
    total = 0
    for file in [path, *(path.rglob("*") if path.is_dir() else ())]:
        try:
            total += 0 if file.is_dir() else file.stat().st_size
        except OSError:
            continue
    return total


Receipt = dict[str, Any]
