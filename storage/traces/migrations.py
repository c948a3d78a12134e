"""How a trace store gets its tables: a new file all of them, an older one what it lacks."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from storage.traces.schema import SCHEMA_VERSION, create_table, create_tables, create_view
from triage.errors import DataFolderError


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring a file to this build's version, in one transaction.

    Raises:
        DataFolderError: the file was written by a newer build.
    """
    connection.execute("begin")
    try:
        connection.execute("create table if not exists schema_version (version integer not null)")
        found = connection.execute("select max(version) from schema_version").fetchone()
        version = found[0] if found and found[0] is not None else 0
        if version > SCHEMA_VERSION:
            raise DataFolderError(  # noqa: TRY301 - one place undoes whatever happens here.
                f"The trace store has schema version {version} and this build knows {SCHEMA_VERSION}: "
                "start the newer build, or move the file away to begin a new one."
            )
        if version == 0:
            create_tables(connection)
        else:
            for older in range(version, SCHEMA_VERSION):
                _STEPS[older](connection)
        if version < SCHEMA_VERSION:
            connection.execute("delete from schema_version")
            connection.execute("insert into schema_version values (?)", [SCHEMA_VERSION])
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _from_version_1(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the words of the spans into a table of their own and add what is counted since.

    Tables are made anew, because rows are inserted by the position of their columns.
    """
    create_table(connection, "span_contents")
    connection.execute(
        """
        insert into span_contents by name
        select trace_id, span_id, started_at, content from spans where content is not null order by started_at
        """
    )
    _make_anew(connection, "spans", "* exclude (content), strlen(content::varchar) as content_bytes")
    _make_anew(connection, "runs", "*")
    create_view(connection)


def _make_anew(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> None:
    """Give a table the columns of this build; those that the old one lacks are NULL."""
    connection.execute(f"alter table {table} rename to old_{table}")
    create_table(connection, table)
    connection.execute(f"insert into {table} by name select {columns} from old_{table}")
    connection.execute(f"drop table old_{table}")


_STEPS: dict[int, Callable[[duckdb.DuckDBPyConnection], None]] = {1: _from_version_1}
