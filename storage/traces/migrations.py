"""How a trace store gets its tables: a new file all of them, an older one what it lacks."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from storage.traces.schema import SCHEMA_VERSION, TABLES, create_table, create_tables, create_view
from storage.traces.writing import Numbering, insert_runs, insert_spans
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
    """Put the words of the spans apart, and set apart and add up what is counted, as on the way in."""
    for table in ("spans", "runs"):
        connection.execute(f"alter table {table} rename to old_{table}")
    for table in TABLES:
        if table != "traces":
            create_table(connection, table)
    create_view(connection)
    numbering = Numbering(connection)
    ((last,),) = connection.execute("select coalesce(max(rowid), -1) from old_spans").fetchall()
    for first in range(0, last + 1, _SPANS_AT_ONCE):
        spans = connection.execute(_OLD_SPANS, [first, first + _SPANS_AT_ONCE]).to_arrow_table()
        insert_spans(connection, numbering, fresh=spans)
        numbering.commit()
    runs = connection.execute(
        "select *, null::boolean as is_rerouted, null::timestamp as first_event_at from old_runs order by created_at"
    ).to_arrow_table()
    insert_runs(connection, numbering, runs)
    for table in ("spans", "runs"):
        connection.execute(f"drop table old_{table}")


_SPANS_AT_ONCE = 50_000
_OLD_SPANS = """
    select * exclude (content), null::varchar as asked_model, null::boolean as is_retry, null::boolean as is_fallback,
        strlen(content::varchar) as content_bytes, content::varchar as content
    from old_spans where rowid >= ? and rowid < ?
"""
_STEPS: dict[int, Callable[[duckdb.DuckDBPyConnection], None]] = {1: _from_version_1}
