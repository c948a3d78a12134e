"""The connection to the records: the engine, transactions and migrations."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DataError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import StaticPool

from storage.records.migrate import apply_migrations, make_folder
from storage.records.news import News
from storage.records.prepared import on_driver
from storage.records.stores import Stores
from triage.errors import DataFolderError, InvalidInput, SettingsError

BUSY_TIMEOUT_MS = 30_000
# Up to 50 runs work at once, each with short transactions, and the durable engine shares the pool.
POOL_SIZE = 16
POOL_OVERFLOW = 48
# What a SQLite URL says where others name a file.
IN_MEMORY = {None, "", ":memory:"}


def open_engine(url: str) -> Engine:
    """Open the database of the records; nothing is read or written before the first use.

    On SQLite the write-ahead log lets readers go on while one writes, and a commit costs no wait for the disk: after a
    kill everything committed is there, only a power cut can take the last moments. The durable engine can use the same
    engine as its own. An in-memory database has one connection and serves one thread.

    Raises:
        SettingsError: the URL is none, or names a database that has no driver here.
    """
    try:
        parsed = sa.make_url(url)
        dialect = parsed.get_dialect().name
    except (ArgumentError, NoSuchModuleError):
        dialect = None
    if dialect not in {"sqlite", "postgresql"}:
        raise SettingsError(
            "TRIAGE_DATABASE_URL cannot be used: write sqlite:///path/to/file.db or postgresql+psycopg://user@host/name."
        )
    # Statements that fail are named in logs, what was bound to them is customers' text and is not.
    if dialect == "postgresql":
        return sa.create_engine(
            parsed, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, pool_pre_ping=True, hide_parameters=True
        )
    if parsed.database in IN_MEMORY:
        engine = sa.create_engine(parsed, poolclass=StaticPool, hide_parameters=True)
    else:
        engine = _open_sqlite(parsed)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _open_sqlite(url: sa.URL) -> Engine:
    """Open a SQLite file; the connection that was used last is used next, because it still has the pages in memory."""
    return sa.create_engine(
        url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, pool_use_lifo=True, hide_parameters=True
    )


def _open_reader(engine: Engine) -> Engine:
    """Open the same SQLite file with connections that cannot write."""
    reader = _open_sqlite(engine.url)
    event.listen(reader, "connect", _prepare_sqlite)
    event.listen(reader, "connect", lambda connection, _record: connection.execute("pragma query_only = on"))
    return reader


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """Set what SQLite forgets with every connection."""
    # The timeout comes first, because the switch of the journal already has to wait for other processes.
    connection.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
    _switch_to_wal(connection)
    connection.execute("pragma synchronous = normal")
    connection.execute("pragma foreign_keys = on")
    # The durable engine relies on this: its writes take the lock at once instead of failing half-way for want of it.
    connection.isolation_level = "IMMEDIATE"
    # SQLite's own lower() knows the letters A to Z only.
    connection.create_function("unicode_lower", 1, _unicode_lower, deterministic=True)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, which lasts for the file.

    Of two connections that switch a new file at the same moment SQLite tells one at once that the file is locked,
    whatever the timeout; a moment later that one finds the switch done.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _unicode_lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


_NOT_HELD = "The records cannot hold that: leave out NUL and other signs that are no text, and write smaller numbers."


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Make errors of ours of those of a database.

    What runs may try again where it does not answer, and not where it cannot hold a value: PostgreSQL takes no NUL.
    """
    try:
        yield
    except OperationalError as error:
        raise DataFolderError(f"The records cannot be read or written now ({error.orig}).") from error
    except (DataError, UnicodeEncodeError):
        # Without the error it was made of: that one quotes what was written.
        raise InvalidInput(_NOT_HELD) from None


@contextmanager
def _writing_refused(connection: Connection) -> Iterator[None]:
    """Refuse writes on the one connection of an in-memory database for a while."""
    connection.exec_driver_sql("pragma query_only = on")
    try:
        yield
    finally:
        connection.rollback()
        connection.exec_driver_sql("pragma query_only = off")


class Records:
    """The records of the product: transactions over all stores. One object serves every thread of a process.

    ``key`` seals the audit log and the secrets of webhooks. Without one the chain of the log is kept all the same, but
    a missing end would not be noticed, and secrets are kept as they are.
    """

    def __init__(self, engine: Engine, *, key: bytes | None = None) -> None:
        self.engine = engine
        self._key = key
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._is_file = self._is_sqlite and engine.url.database not in IN_MEMORY
        self._reader = _open_reader(engine) if self._is_file else engine
        self._news: list[News] = []

    def migrate(self) -> None:
        """Bring the tables to this build's version; does nothing where they are.

        Raises:
            DataFolderError: the folder cannot be written, or a newer build has written the records.
        """
        if self._is_file:
            make_folder(Path(str(self.engine.url.database)).parent)
        apply_migrations(self.engine)
        with self.read() as stores:
            has_clear_secrets = stores.webhooks.has_clear_secrets()
        if has_clear_secrets:
            with self.begin() as stores:
                stores.webhooks.seal_secrets()

    @contextmanager
    def begin(self) -> Iterator[Stores]:
        """Open one write transaction: committed at the end of the block, rolled back when an error leaves it.

        SQLite lets one transaction write at a time, so the block must be short and wait for nothing outside.
        """
        with _said_plainly(), self.engine.connect() as connection:
            if self._is_sqlite:
                # Without this the lock is taken at the first write, and what was read before it may be out of date.
                on_driver(connection, "begin immediate")
            yield Stores(connection, key=self._key)
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Stores]:
        """Open one look at the records, the same for all queries of the block; writing in it is an error."""
        with _said_plainly(), self._reader.connect() as connection:
            if not self._is_sqlite:
                looking = connection.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
                yield Stores(looking, key=self._key)
                return
            with nullcontext() if self._is_file else _writing_refused(connection):
                on_driver(connection, "begin")
                yield Stores(connection, key=self._key)

    def news(self) -> News:
        """Return what says whether there can be anything new, for somebody who looks again and again."""
        news = News(self.engine.url.database if self._is_file else None)
        self._news.append(news)
        return news

    def close(self) -> None:
        """Close every connection."""
        for news in self._news:
            news.close()
        self._reader.dispose()
        self.engine.dispose()
