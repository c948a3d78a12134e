"""Lines of the spool that could not be read and were set aside: they hold what customers wrote, too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def remove_lines_aside(folder: Path, needles: Iterable[str]) -> int:
    """Remove the lines in which one of the words stands, in any case; return how many there were."""
    words = [needle.lower().encode() for needle in needles if needle]
    removed = 0
    for path in sorted(folder.glob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not any(word in line.lower() for word in words)]
        if len(kept) == len(lines):
            continue
        removed += len(lines) - len(kept)
        if kept:
            part = path.with_suffix(".part")
            part.write_bytes(b"".join(kept))
            part.replace(path)
        else:
            path.unlink()
    return removed


def remove_old_files(folder: Path, *, before: float, pattern: str) -> int:
    """Remove files that were last written before a moment (seconds since 1970); return how many there were."""
    removed = 0
    for path in folder.glob(pattern):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
