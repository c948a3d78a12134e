"""Transactions and migrations."""

from __future__ import annotations

import shutil
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from dbos._schemas.system_database import SystemSchema
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from storage.records import Records, open_engine
from storage.records.migrate import HEAD, MIGRATIONS, VERSION_TABLE, apply_migrations
from storage.records.schema import METADATA
from tests.processes import RunningModule
from triage.domain import Escalation, RunFilter, Urgency
from triage.errors import DataFolderError, SettingsError

PROJECT = Path(__file__).parents[2]
# Transactions.


def test_an_error_in_the_block_leaves_nothing(any_records: Records, make: SimpleNamespace) -> None:
    def fail_half_way() -> None:
        with any_records.begin() as stores:
            stores.conversations.add(make.conversation())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with any_records.read() as stores:
        assert stores.conversations.find("c1") is None


def test_writing_while_reading_is_an_error_and_the_connection_can_write_again(
    any_records: Records, make: SimpleNamespace
) -> None:
    refused = pytest.raises((DBAPIError, DataFolderError), match=r"readonly|read-only")
    with refused, any_records.read() as stores:
        stores.notes.put("k", "v")
    with any_records.begin() as stores:
        stores.notes.put("k", "v")


def test_a_look_sees_one_state_while_another_writes(any_records: Records) -> None:
    with any_records.read() as reading:
        assert reading.notes.get("k") is None
        with any_records.begin() as writing:
            writing.notes.put("k", "v")
        assert reading.notes.get("k") is None
    with any_records.read() as reading:
        assert reading.notes.get("k") == "v"


def test_readers_do_not_wait_for_a_writer(records: Records) -> None:
    with records.begin() as writing:
        writing.notes.put("k", "v")
        with records.read() as reading:
            assert reading.notes.get("k") is None


def test_writers_see_what_the_one_before_wrote(any_records: Records, make: SimpleNamespace) -> None:
    with any_records.begin() as stores:
        stores.conversations.add(make.conversation())
        stores.runs.add(make.run())

    def write(number: int) -> None:
        for _ in range(20):
            with any_records.begin() as stores:
                stores.events.append("r1", [make.event(f"{number}-{len(stores.events.list('r1'))}")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_records.read() as stores:
        assert len(stores.events.list("r1")) == 60


def test_the_settings_of_a_sqlite_connection(records: Records) -> None:
    expected = {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 30000, "foreign_keys": 1, "query_only": 0}
    with records.begin() as stores:
        found = {name: stores.connection.exec_driver_sql(f"pragma {name}").scalar() for name in expected}
    assert found == expected


def test_connections_that_open_a_new_file_together_all_get_the_log(tmp_path: Path) -> None:
    # One opening in a hundred meets another one in the wrong moment, hence so many.
    modes: list[str] = []

    def open_file(url: str, barrier: threading.Barrier) -> None:
        engine = open_engine(url)
        barrier.wait()
        with engine.connect() as connection:
            modes.append(str(connection.exec_driver_sql("pragma journal_mode").scalar()))
        engine.dispose()

    for number in range(40):
        barrier = threading.Barrier(8)
        arguments = (f"sqlite:///{tmp_path / str(number)}", barrier)
        threads = [threading.Thread(target=open_file, args=arguments) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert modes == ["wal"] * 320


def test_errors_of_the_database_hold_no_customer_text(records: Records) -> None:
    def fail() -> None:
        with records.begin() as stores:
            stores.connection.execute(sa.text("insert into notes (key, value) values (:key, null)"), {"key": "my card"})

    with pytest.raises(IntegrityError) as caught:
        fail()
    assert "my card" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/name", "unheard://host", "postgresql+nothing://host/x"])
def test_an_unusable_url_names_the_variable_and_not_itself(url: str) -> None:
    with pytest.raises(SettingsError, match="TRIAGE_DATABASE_URL") as caught:
        open_engine(url)
    assert not url or url not in str(caught.value)


def test_records_in_memory_serve_one_thread(make: SimpleNamespace) -> None:
    records = Records(open_engine("sqlite://"))
    records.migrate()
    with records.begin() as stores:
        stores.conversations.add(make.conversation())
    with records.read() as stores:
        assert stores.conversations.get("c1") == make.conversation()
    records.close()


def test_no_table_has_the_name_of_one_of_the_durable_engine() -> None:
    engine_tables = {table.name for table in SystemSchema.metadata_obj.tables.values()}
    assert "workflow_status" in engine_tables
    assert not engine_tables & {*METADATA.tables, VERSION_TABLE}


# Migrations.


def _tables(records: Records) -> set[str]:
    return set(sa.inspect(records.engine).get_table_names())


# SQLite cannot describe indexes on expressions; that they are there shows in the plans of the queries that need them.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_tables_are_those_of_the_schema(any_records: Records) -> None:
    with any_records.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []


def test_the_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_migrating_again_keeps_everything(any_records: Records, make: SimpleNamespace) -> None:
    with any_records.begin() as stores:
        stores.conversations.add(make.conversation())
    any_records.migrate()
    with any_records.read() as stores:
        assert stores.conversations.get("c1") == make.conversation()


def _add_to_older(connection: sa.Connection, table: str, row: dict[str, Any]) -> None:
    """Add a row to tables of before there were teams."""
    columns = {name: value for name, value in row.items() if name != "team"}
    connection.execute(sa.insert(METADATA.tables[table]), columns)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_answered_escalations_of_older_records_stay_answered(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, make: SimpleNamespace
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}" if database == "sqlite" else request.getfixturevalue("empty_postgres_url")
    older = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, older, ignore=shutil.ignore_patterns("__pycache__", "v000[2-9]*", "v00[1-9]*"))
    records = Records(open_engine(url))
    apply_migrations(records.engine, folder=older, head="0001")
    hour = timedelta(hours=1)
    with records.begin() as stores:
        _add_to_older(stores.connection, "conversations", stores.conversations._row(make.conversation()))
        for name, escalated_at in (("before", make.now - hour), ("after", make.now + hour)):
            run = make.run(id=name, escalated=True, reply_sent_at=make.now)
            _add_to_older(stores.connection, "runs", stores.runs._row(run))
            stores.escalations.add(
                Escalation(
                    id=name,
                    run_id=name,
                    key="k",
                    conversation_id="c1",
                    reason="R",
                    urgency=Urgency.HIGH,
                    created_by="lee",
                    created_at=escalated_at,
                )
            )
    records.migrate()
    with records.read() as stores:
        assert [run.id for run in stores.runs.list(RunFilter(needs_person=True))] == ["after"]
        assert not stores.runs.get("before").escalated
        assert {run.team for run in stores.runs.list(RunFilter(team="support"))} == {"support"}
        assert len(stores.runs.list(RunFilter(team="support"))) == 2
    records.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_processes_that_start_together_migrate_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, child_environment: dict[str, str]
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}" if database == "sqlite" else request.getfixturevalue("empty_postgres_url")
    names = ["one", "two"]
    go = tmp_path / "go"
    processes = [
        RunningModule("tests.storage.migrating", url, name, str(go), environment=child_environment) for name in names
    ]
    go.touch()
    ends = [process.communicate()[1] for process in processes]
    assert ends == ["", ""]
    records = Records(open_engine(url))
    with records.read() as stores:
        assert [stores.notes.get(name) for name in names] == ["here"] * 2
    records.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_failed_migration_leaves_nothing(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}" if database == "sqlite" else request.getfixturevalue("empty_postgres_url")
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "v9999_broken.py").write_text(
        "from alembic import op\n"
        f"revision, down_revision = '9999', '{HEAD}'\n"
        "def upgrade():\n"
        "    op.execute('create table half_done (id integer)')\n"
        "    raise ZeroDivisionError\n"
    )
    records = Records(open_engine(url))
    with pytest.raises(ZeroDivisionError):
        apply_migrations(records.engine, folder=folder, head="9999")
    assert _tables(records) == set()
    records.migrate()
    assert _tables(records) == {*METADATA.tables, VERSION_TABLE}
    records.close()


def test_records_of_a_newer_version_are_refused(any_records: Records) -> None:
    with any_records.engine.begin() as connection:
        connection.execute(sa.text(f"update {VERSION_TABLE} set version_num = '9999'"))
    try:
        with pytest.raises(DataFolderError, match="newer version"):
            any_records.migrate()
    finally:
        with any_records.engine.begin() as connection:
            connection.execute(sa.text(f"update {VERSION_TABLE} set version_num = '{HEAD}'"))


def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    records = Records(open_engine(f"sqlite:///{tmp_path / 'a b' / 'c%20' / 'triage.db'}"))
    records.migrate()
    assert "runs" in _tables(records)
    records.close()


def test_a_folder_that_cannot_be_made_is_named_as_a_setting(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    records = Records(open_engine(f"sqlite:///{tmp_path / 'taken' / 'triage.db'}"))
    with pytest.raises(DataFolderError, match="TRIAGE_DATA_DIR"):
        records.migrate()


def test_a_file_that_is_no_database_is_named_as_a_setting(tmp_path: Path) -> None:
    (tmp_path / "triage.db").write_text("This is a letter and not a database. " * 100)
    records = Records(open_engine(f"sqlite:///{tmp_path / 'triage.db'}"))
    with pytest.raises(DataFolderError, match="TRIAGE_DATA_DIR"):
        records.migrate()
    records.close()


def test_a_server_that_does_not_answer_is_named_as_a_setting(tmp_path: Path) -> None:
    records = Records(open_engine(f"postgresql+psycopg://nobody@/none?host={tmp_path}"))
    with pytest.raises(DataFolderError, match="TRIAGE_DATABASE_URL") as caught:
        records.migrate()
    assert isinstance(caught.value.__cause__, OperationalError)
