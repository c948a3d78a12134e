"""What is asked of the records while a test looks, counted where nothing is missed: at SQLite itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from storage.records import Records


@contextmanager
def asked_of(records: Records) -> Iterator[list[str]]:
    """Note every statement but those that begin and end transactions, with the values put in."""
    asked: list[str] = []

    def note(statement: str) -> None:
        if not statement.lower().startswith(("begin", "commit", "rollback")):
            asked.append(statement)

    def look(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(note)

    engines = {records.engine, records._reader}
    for engine in engines:
        sa.event.listen(engine, "checkout", look)
    yield asked
    for engine in engines:
        sa.event.remove(engine, "checkout", look)
    records.engine.dispose()
    records._reader.dispose()
