"""Brings the tables to the version of this build."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from triage.errors import DataFolderError

MIGRATIONS = Path(__file__).parent / "migrations"
# The newest migration. Standing here it spares every start the import of Alembic (0.3 s); a test compares the two.
HEAD = "0012"
# Not Alembic's usual name: other tools that share a PostgreSQL database may use that one.
VERSION_TABLE = "records_version"
# Any number will do, as long as nothing else in the database locks the same one.
ADVISORY_LOCK = 7_246_118_203


def apply_migrations(engine: Engine, *, folder: Path = MIGRATIONS, head: str = HEAD) -> None:
    """Run the migrations that are missing, all in one transaction, so that a failed one leaves nothing.

    Processes that start together wait for each other; the later ones find the work done.

    Raises:
        DataFolderError: the database cannot be opened, or a newer build has written the records.
    """
    try:
        with engine.connect() as connection:
            if _version(connection) == head:
                return
            connection.rollback()
            _lock(connection)
            if _version(connection) != head:
                _upgrade(connection, folder)
            connection.commit()
    except DatabaseError as error:
        raise DataFolderError(
            f"The records cannot be opened ({error.orig}). Check that the database exists and can be written, "
            "or name another one with TRIAGE_DATA_DIR or TRIAGE_DATABASE_URL."
        ) from error


def make_folder(folder: Path) -> None:
    """Make the folder of the database file where it is missing.

    Raises:
        DataFolderError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderError(
            f"The folder {folder} cannot be made ({error.strerror}). Name another one with TRIAGE_DATA_DIR."
        ) from error


def _version(connection: Connection) -> str | None:
    """Return the version of the tables, None for an empty database."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(sa.text(f"select version_num from {VERSION_TABLE}"))  # noqa: S608 - a constant
    return version


def _lock(connection: Connection) -> None:
    """Wait until no other process migrates; the end of the transaction lets the next one in."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("begin immediate")
    else:
        connection.execute(sa.text("select pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})


def _upgrade(connection: Connection, folder: Path) -> None:
    from alembic import command  # noqa: PLC0415 - see HEAD
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise DataFolderError(
            "The records were written by a newer version of this program: start that one, or use another data folder."
        ) from error
