"""Values that PostgreSQL refuses and SQLite takes are refused with a sentence, not with an error of the database."""

from __future__ import annotations

from contextlib import suppress

import pytest

from storage.records import Records
from tests.storage.conftest import (
    _migrated_postgres,
    _postgres_server,
    any_records,
    postgres_url,
    sqlite_url,
)
from triage.domain import RunFilter
from triage.errors import InvalidInput, NotFound

__all__ = ["_migrated_postgres", "_postgres_server", "any_records", "postgres_url", "sqlite_url"]


@pytest.mark.parametrize("value", ["a\x00b", "\ud800"])
def test_what_is_no_text_is_no_error_of_the_database(any_records: Records, value: str) -> None:
    for look in (
        lambda tx: tx.runs.list(RunFilter(text=value), limit=5),
        lambda tx: tx.runs.list(RunFilter(conversation_id=value), limit=5),
        lambda tx: tx.runs.get(value),
        lambda tx: tx.approvals.get(value),
        lambda tx: tx.conversations.get(value),
    ):
        # Any other error is one of the database.
        with suppress(InvalidInput, NotFound), any_records.read() as tx:
            assert look(tx) == []
