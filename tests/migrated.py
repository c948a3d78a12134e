"""Records as the migrations leave them, made once in a process: to migrate takes longer than most tests."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from storage.records import Records, open_engine


def migrated(path: Path) -> str:
    """Write empty records to a SQLite file and return their URL."""
    path.write_bytes(_empty())
    return f"sqlite:///{path}"


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory(prefix="triage-migrated-") as folder:
        path = Path(folder, "triage.db")
        records = Records(open_engine(f"sqlite:///{path}"))
        records.migrate()
        records.close()
        return path.read_bytes()
