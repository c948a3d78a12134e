"""Writing what a command exports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from triage.errors import DataFolderError


def write_pieces(file: Path, export: Callable[[], Iterable[str]]) -> int:
    """Write the pieces and return how many there were; an export that has no place to go is not begun.

    Raises:
        DataFolderError: the file cannot be written.
    """
    count = 0
    try:
        with _opened(file) as out:
            for piece in export():
                out.write(piece)
                count += 1
    except OSError as error:
        raise DataFolderError(f"The file {file} cannot be written: {error.strerror}.") from error
    return count


def _opened(file: Path) -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdout) if str(file) == "-" else file.open("w", encoding="utf-8", newline="")
