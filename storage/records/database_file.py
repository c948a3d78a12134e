"""The SQLite file of the records as a whole: written anew without what was removed, and copied while it is in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from storage.records.migrate import VERSION_TABLE
from triage.errors import DataFolderError

_WAIT_MS = 60_000
_VERSION = f"select version_num from {VERSION_TABLE}"  # noqa: S608 - a constant


def database_path(engine: Engine) -> Path | None:
    """Return the path of the file, None where the records are in another database or in memory."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or name in (None, "", ":memory:"):
        return None
    return Path(str(name))


def write_anew(path: Path) -> None:
    """Write the file anew, so that nothing of what was removed is left in it or in its journal.

    Others may read and write meanwhile; they wait for a moment.

    Raises:
        DataFolderError: the disk is full, or somebody has read or written for a minute without a pause.
    """
    try:
        with closing(_connect(path)) as connection:
            connection.execute("pragma secure_delete = on")
            connection.execute("vacuum")
            (is_busy, _, _) = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
    except sqlite3.OperationalError as error:
        raise DataFolderError(f"The records cannot be written anew now ({error}).") from error
    if is_busy:
        raise DataFolderError("The records are read without a pause, so their journal cannot be emptied now.")


def copy_to(path: Path, target: Path) -> None:
    """Copy the file as it is at one moment, while others read and write it.

    Raises:
        DataFolderError: the copy cannot be written.
    """
    try:
        # Everything in one step is one moment; in many steps each write by somebody else would begin it anew.
        with closing(_connect(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=-1)
            copy.execute("pragma journal_mode = delete")
    except sqlite3.Error as error:
        raise DataFolderError(f"The records cannot be copied ({error}).") from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=_WAIT_MS / 1000)
    connection.execute(f"pragma busy_timeout = {_WAIT_MS}")
    return connection


class DatabaseFile:
    """The file of the records, as the work on what is kept sees it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write_anew(self) -> None:
        """Write the file anew, so that nothing of what was removed is left in it or in its journal."""
        write_anew(self.path)

    def copy_to(self, path: Path) -> None:
        """Copy the file as it is at one moment."""
        copy_to(self.path, path)

    def version_of(self, path: Path) -> str:
        """Return the version of the tables in a copy."""
        return version_of(path)


def version_of(path: Path) -> str:
    """Return the version of the tables in a file.

    Raises:
        DataFolderError: it is no file of the records.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (version,) = connection.execute(_VERSION).fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise DataFolderError(f"{path.name} holds no records that can be read.") from error
    return str(version)
