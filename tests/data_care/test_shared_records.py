"""Two data folders that share their records in PostgreSQL: each cares for its own traces and files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.data_care.conftest import ADMIN, ended, settled
from tests.storage.conftest import _postgres_server, empty_postgres_url
from triage.data_care import retention
from triage.data_care.retention import Retention
from triage.domain import JobStatus, RunStatus, utc_now
from triage.errors import InvalidInput
from triage.services import Services, open_services
from triage.settings import load_settings

__all__ = ["_postgres_server", "empty_postgres_url"]

EMAIL, MARKER, OTHERS_MARKER = "alice@example.com", "zanzibarquartz", "cobaltwalrus"


@pytest.fixture
def desk(empty_postgres_url: str, tmp_path: Path, unpaced: None) -> Iterator[Services]:
    services = open_services(load_settings(data_dir=tmp_path / "here", database_url=empty_postgres_url), kind="test")
    yield services
    services.close()


@pytest.fixture
def elsewhere(desk: Services, empty_postgres_url: str, tmp_path: Path) -> Iterator[Services]:
    """Another machine, which asks and does not work itself."""
    settings = load_settings(data_dir=tmp_path / "elsewhere", database_url=empty_postgres_url)
    services = open_services(settings, kind="test", own=False)
    yield services
    services.close()


def rows_with(services: Services, words: str) -> list[str]:
    """Return the tables of the whole database in which the words stand."""
    with services.records.engine.connect() as connection:
        tables = connection.execute(
            sa.text(
                "select format('%I.%I', table_schema, table_name) from information_schema.tables"
                " where table_schema in ('public', 'dbos') and table_type = 'BASE TABLE'"
            )
        ).scalars()
        return [
            table
            for table in tables
            if connection.scalar(
                sa.text(f"select count(*) from {table} t where t::text ilike :words"), {"words": f"%{words}%"}
            )
        ]


def test_a_customer_is_erased_and_what_is_over_goes(desk: Services) -> None:
    alice = settled(
        desk,
        desk.runs.submit(f"Please refund order 2, the hub is broken. {MARKER}", actor=ADMIN, customer_email=EMAIL),
    )
    bob = settled(desk, desk.runs.submit(f"Where is my {OTHERS_MARKER} order 3?", actor=ADMIN))
    assert (alice.status, bob.status) == (RunStatus.AWAITING_APPROVAL, RunStatus.COMPLETED)
    assert "dbos.workflow_status" in rows_with(desk, alice.id)
    job = ended(desk, desk.data_care.erase(EMAIL.upper(), actor=ADMIN))
    assert job.status is JobStatus.DONE, job.error
    assert job.result is not None
    assert (job.result["removed"]["runs"], job.result["removed"]["runs in traces"]) == (1, 1)
    assert rows_with(desk, EMAIL) == rows_with(desk, MARKER) == []
    assert desk.audit.verify(actor=ADMIN).is_unbroken

    assert desk.keeper is not None
    holdings = desk.keeper._holdings
    keep = Retention(conversations_days=10, content_days=10, measures_days=20)
    later = utc_now() + timedelta(days=11)
    assert retention.due(holdings, keep, now=later)["conversations"] == 1
    assert retention.apply(holdings, keep, now=later)["runs"] == 1
    assert rows_with(desk, OTHERS_MARKER) == []


def test_a_job_is_done_where_it_was_asked_for_and_a_backup_nowhere(
    desk: Services, elsewhere: Services, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="pg_dump"):
        desk.data_care.back_up(tmp_path / "backup.tar", actor=ADMIN)
    theirs = elsewhere.data_care.export_traces(actor=ADMIN)
    ours = ended(desk, desk.data_care.export_traces(actor=ADMIN))
    assert ours.status is JobStatus.DONE, ours.error
    assert desk.data_care.get(theirs.id, actor=ADMIN).status is JobStatus.WAITING
