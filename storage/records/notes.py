"""Small durable facts about the installation."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import upsert
from storage.records.schema import notes

_GET = sa.select(notes.c.value).where(notes.c.key == sa.bindparam("key"))


class NoteStore:
    """Words kept under a key, such as "samples.removed"."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def put(self, key: str, value: str) -> None:
        """Keep a value under a key, in place of the one before."""
        upsert(notes, self.connection.dialect.name).run(self.connection, {"key": key, "value": value})

    def get(self, key: str) -> str | None:
        """Return the value under a key, or None."""
        value: str | None = self.connection.scalar(_GET, {"key": key})
        return value
