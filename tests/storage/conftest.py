"""The databases of the storage tests: a fresh SQLite file, and a real PostgreSQL where one is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from storage.records import Records, open_engine
from storage.records.schema import METADATA
from tests.migrated import migrated
from triage.domain import Account, Approval, Conversation, Message, NewEvent, Order, Run, Ticket, TriageResult

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a migrated SQLite file of this test."""
    return migrated(tmp_path / "triage.db")


def _postgres_tool(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(installed[-1]) if installed else None)


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[str]:
    """Start a PostgreSQL that only this test run can reach, through a socket in a folder of its own."""
    initdb, pg_ctl = _postgres_tool("initdb"), _postgres_tool("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="triage-pg-"))
    # PostgreSQL refuses to run as root.
    as_user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres", "postgres")

    def run(tool: str, *arguments: str) -> None:
        command = [tool, "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user)

    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c timezone=Asia/Tokyo"
    try:
        run(initdb, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        run(pg_ctl, "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run(pg_ctl, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _migrated_postgres(_postgres_server: str) -> str:
    records = Records(open_engine(_postgres_server))
    records.migrate()
    records.close()
    return _postgres_server


@pytest.fixture
def postgres_url(_migrated_postgres: str) -> str:
    """Return the URL of a migrated PostgreSQL database without records."""
    engine = open_engine(_migrated_postgres)
    with engine.begin() as connection:
        # The audit log refuses to be emptied; this switches its triggers off for the transaction.
        connection.execute(sa.text("set local session_replication_role = replica"))
        # Quicker than truncating, which costs a new file for every table.
        for table in reversed(METADATA.sorted_tables):
            connection.execute(sa.delete(table))
    engine.dispose()
    return _migrated_postgres


@pytest.fixture
def empty_postgres_url(_postgres_server: str) -> Iterator[str]:
    """Return the URL of a PostgreSQL database without tables."""
    engine = open_engine(_postgres_server).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("create database fresh"))
        yield _postgres_server.replace("/postgres?", "/fresh?")
        connection.execute(sa.text("drop database fresh with (force)"))
    engine.dispose()


@pytest.fixture
def records(sqlite_url: str) -> Iterator[Records]:
    """Return migrated records in a SQLite file."""
    records = Records(open_engine(sqlite_url))
    yield records
    records.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_records(request: pytest.FixtureRequest) -> Iterator[Records]:
    """Return migrated records in SQLite, then in PostgreSQL."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    records = Records(open_engine(url))
    yield records
    records.close()


def _conversation(**fields: Any) -> Conversation:
    usual = {"id": "c1", "customer_email": "alice@example.com", "account_id": None, "subject": "Hub"}
    return Conversation(**{**usual, "created_at": NOW, "updated_at": NOW, **fields})


def _message(**fields: Any) -> Message:
    usual = {"id": "m1", "conversation_id": "c1", "author": "customer", "text": "It broke.", "run_id": None}
    return Message(**{**usual, "created_at": NOW, **fields})


def _run(**fields: Any) -> Run:
    usual = {"id": "r1", "conversation_id": "c1", "message_id": "m1", "status": "queued", "message": "It broke."}
    return Run(**{**usual, "submitted_by": "lee", "trace_id": "t1", "created_at": NOW, "updated_at": NOW, **fields})


def _result(**fields: Any) -> TriageResult:
    usual = {"category": "technical", "urgency": "low", "summary": "s", "recommended_action": "a", "reply_draft": "d"}
    return TriageResult(**{**usual, "requires_human": False, "citations": [], "confidence": 0.5, **fields})


def _event(key: str, **fields: Any) -> NewEvent:
    return NewEvent(**{"key": key, "kind": "tool.called", "at": NOW, **fields})


def _approval(**fields: Any) -> Approval:
    usual = {"id": "p1", "run_id": "r1", "segment": 0, "conversation_id": "c1", "call_id": "call1", "agent": "Orders"}
    more = {"tool": "process_refund", "arguments": {"order_id": "2"}, "summary": "Refund", "policy": "every refund"}
    return Approval(**{**usual, **more, "status": "pending", "created_at": NOW, "updated_at": NOW, **fields})


def _ticket(**fields: Any) -> Ticket:
    usual = {"id": "k1", "run_id": "r1", "call_id": "call1", "conversation_id": "c1", "title": "T", "description": "D"}
    more = {"priority": "high", "category": "technical", "created_by": "Technical specialist", "created_at": NOW}
    return Ticket(**{**usual, **more, **fields})


def _order(**fields: Any) -> Order:
    usual = {"id": "o1", "customer_email": "alice@example.com", "product": "Hub", "quantity": 1, "total_usd": "34.99"}
    return Order(**{**usual, "status": "delivered", "created_at": NOW, **fields})


def _account(**fields: Any) -> Account:
    usual = {"id": "a1", "name": "Acme", "email": "ann@acme.example", "plan": "Team", "status": "active", "seats": 2}
    return Account(**{**usual, "created_at": NOW, **fields})


@pytest.fixture
def make() -> SimpleNamespace:
    """Return builders of domain values with usual fields, which a test overrides where it cares."""
    return SimpleNamespace(
        now=NOW,
        conversation=_conversation,
        message=_message,
        run=_run,
        result=_result,
        event=_event,
        approval=_approval,
        ticket=_ticket,
        order=_order,
        account=_account,
    )


@pytest.fixture
def with_run(any_records: Records, make: SimpleNamespace) -> Records:
    """Return records that hold the conversation c1 with the run r1."""
    with any_records.begin() as stores:
        stores.conversations.add(make.conversation())
        stores.runs.add(make.run())
    return any_records
