"""How the export is doing, in a small file, so that ``doctor`` can say it from another process."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from triage.domain import Value

_FILE = "status.json"


class ExportStatus(Value):
    """Counts since the folder exists, in spans; ``segment`` and ``offset`` are how far the outbox was sent.

    ``dropped`` were given up because too many waited, ``refused`` because the collector will not have them, and
    ``unreadable`` are lines that are no spans. ``problem`` says why nothing can be sent since ``failing_since``.
    """

    segment: str | None = None
    offset: int = 0
    sent: int = 0
    dropped: int = 0
    refused: int = 0
    unreadable: int = 0
    last_sent_at: datetime | None = None
    failing_since: datetime | None = None
    problem: str | None = None


def read_status(folder: Path) -> ExportStatus:
    """Return what is known; a file that cannot be read counts as none, and then everything there goes out again."""
    try:
        return ExportStatus.model_validate_json((folder / _FILE).read_bytes())
    except (OSError, ValidationError):
        return ExportStatus()


def write_status(folder: Path, status: ExportStatus) -> None:
    """Keep the status; a reader finds the old or the new one, never a half."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_FILE}.part"
    path.write_text(status.model_dump_json())
    path.replace(folder / _FILE)
