"""An audit log with a few lines, and what somebody with access to the database could do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage.records import Records, open_engine
from storage.records.schema_control import audit_log
from tests.migrated import migrated
from tests.storage.conftest import _migrated_postgres, _postgres_server, postgres_url, sqlite_url
from triage.domain import NewAuditEntry, Role

__all__ = ["_migrated_postgres", "_postgres_server", "postgres_url", "sqlite_url"]

KEY = b"a key of the tests"
NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)


def entry(number: int, **changes: Any) -> NewAuditEntry:
    usual: dict[str, Any] = {
        "at": NOW + timedelta(minutes=number),
        "actor": "kim" if number % 2 else "rita",
        "role": Role.REVIEWER,
        "action": "approval.approved" if number % 3 else "reply.sent",
        "subject_kind": "approval",
        "subject_id": f"apr_{number}",
        "before": {"status": "pending"},
        "after": {"status": "approved", "amount_usd": "69.98", "note": "Straße ☂"},
    }
    return NewAuditEntry(**{**usual, **changes})


def fill(records: Records, lines: int, *, first: int = 1) -> None:
    with records.begin() as tx:
        for number in range(first, first + lines):
            tx.audit.add(entry(number))


def switch_off_guard(engine: sa.Engine) -> None:
    """Do what an attacker with all rights in the database would do first."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            names = connection.scalars(sa.text("select name from sqlite_master where type = 'trigger'")).all()
            for name in names:
                connection.exec_driver_sql(f"drop trigger {name}")
        else:
            connection.execute(sa.text("alter table audit_log disable trigger user"))


def read_lines(engine: sa.Engine) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        return [dict(row) for row in connection.execute(sa.select(audit_log).order_by(audit_log.c.seq)).mappings()]


def write_lines(engine: sa.Engine, rows: list[dict[str, Any]]) -> None:
    """Put these lines in the place of all."""
    with engine.begin() as connection:
        connection.execute(sa.delete(audit_log))
        if rows:
            connection.execute(sa.insert(audit_log), rows)


@pytest.fixture
def sealed(sqlite_url: str) -> Iterator[Records]:
    """Records in a SQLite file, with a key."""
    records = Records(open_engine(sqlite_url), key=KEY)
    yield records
    records.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_sealed(request: pytest.FixtureRequest) -> Iterator[Records]:
    """Records with a key in SQLite, then in PostgreSQL."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    records = Records(open_engine(url), key=KEY)
    yield records
    with records.engine.begin() as connection:
        if records.engine.dialect.name != "sqlite":
            connection.execute(sa.text("alter table audit_log enable trigger user"))
    records.close()


@pytest.fixture
def fresh_records(tmp_path: Path) -> Iterator[Callable[[], Records]]:
    """Make records in new SQLite files, as many as are asked for."""
    made: list[Records] = []

    def make() -> Records:
        made.append(Records(open_engine(migrated(tmp_path / f"audit{len(made)}.db")), key=KEY))
        return made[-1]

    yield make
    for records in made:
        records.close()
