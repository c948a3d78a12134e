"""Lines of spans that lie beside the trace store: set aside, or in a file that another program still writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path


def remove_lines_aside(folder: Path, needles: Iterable[str]) -> int:
    """Remove the lines in which one of the words stands, in any case; return how many there were."""
    names = _naming(needles)
    removed = 0
    for path in sorted(folder.glob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not names(line)]
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


def blank_lines_in_use(folder: Path, needles: Iterable[str]) -> int:
    """Write blanks over the finished lines in which one of the words stands; return how many there were.

    The files cannot be written anew, another program has them open. It only ever appends, so what stands before its
    end is safe to write over, as long as every line keeps its place and its length.
    """
    names = _naming(needles)
    blanked = 0
    for path in sorted(folder.glob("*.jsonl")):
        # One that is read to its end goes away in this moment.
        with suppress(FileNotFoundError), path.open("r+b") as file:
            start = 0
            for line in file.read().splitlines(keepends=True):
                if line.endswith(b"\n") and names(line):
                    file.seek(start)
                    file.write(b" " * (len(line) - 1))
                    blanked += 1
                start += len(line)
    return blanked


def _naming(needles: Iterable[str]) -> Callable[[bytes], bool]:
    """Return what tells whether one of the words stands in a line, in any case."""
    words = [needle.lower().encode() for needle in needles if needle]
    return lambda line: any(word in line.lower() for word in words)


def remove_old_files(folder: Path, *, before: float, pattern: str) -> int:
    """Remove files that were last written before a moment (seconds since 1970); return how many there were."""
    removed = 0
    for path in folder.glob(pattern):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
