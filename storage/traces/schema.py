"""The tables of the trace store and how an older file gets them.

Times are UTC without a zone, because DuckDB compares those without its time zone tables; money is DECIMAL(18,9) in US
dollars. The tables have no primary keys: an index on a million spans costs memory and makes each insert slower, while
the spool's offsets already see to it that a line comes in once (``docs/tracing.md`` has the figures).
"""

from __future__ import annotations

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from triage.errors import DataFolderError

SCHEMA_VERSION = 1

# One place names every column with its SQL and Arrow type; the tables and the typed batches both come from here, in the
# same order, as batches are inserted by position.
_TEXT, _COUNT, _TIME = ("varchar", pa.string()), ("bigint", pa.int64()), ("timestamp", pa.timestamp("us", tz="UTC"))
_BOOL, _MONEY, _DURATION = ("boolean", pa.bool_()), ("decimal(18, 9)", pa.decimal128(18, 9)), ("double", pa.float64())
_NUMBER, _JSON = ("integer", pa.int32()), ("json", pa.string())

SPAN_COLUMNS = {
    "trace_id": _TEXT,
    "span_id": _TEXT,
    "parent_id": _TEXT,
    "run_id": _TEXT,
    "conversation_id": _TEXT,
    "segment": _NUMBER,
    "kind": _TEXT,
    "name": _TEXT,
    "agent": _TEXT,
    "model": _TEXT,
    "tool": _TEXT,
    "guardrail": _TEXT,
    "stage": _TEXT,
    "verdict": _TEXT,
    "triggered": _BOOL,
    "from_agent": _TEXT,
    "to_agent": _TEXT,
    "started_at": _TIME,
    "ended_at": _TIME,
    "duration_ms": _DURATION,
    "input_tokens": _COUNT,
    "cached_tokens": _COUNT,
    "output_tokens": _COUNT,
    "reasoning_tokens": _COUNT,
    "cost_usd": _MONEY,
    "is_model_call": _BOOL,
    "is_paused": _BOOL,
    "error_kind": _TEXT,
    "error": _TEXT,
    "content": _JSON,
}
RUN_COLUMNS = {
    "run_id": _TEXT,
    "trace_id": _TEXT,
    "conversation_id": _TEXT,
    "customer_email": _TEXT,
    "excerpt": _TEXT,
    "status": _TEXT,
    "segment": _NUMBER,
    "category": _TEXT,
    "urgency": _TEXT,
    "last_agent": _TEXT,
    "cost_usd": _MONEY,
    "unpriced_calls": _COUNT,
    "requests": _COUNT,
    "input_tokens": _COUNT,
    "cached_tokens": _COUNT,
    "output_tokens": _COUNT,
    "reasoning_tokens": _COUNT,
    "turns": _COUNT,
    "active_ms": _COUNT,
    "waiting_ms": _COUNT,
    "trip_guardrail": _TEXT,
    "trip_stage": _TEXT,
    "trip_verdict": _TEXT,
    "failure_code": _TEXT,
    "degraded": _BOOL,
    "retry_of": _TEXT,
    "created_at": _TIME,
    "started_at": _TIME,
    "ended_at": _TIME,
    "updated_at": _TIME,
}
TRACE_COLUMNS = {
    "trace_id": _TEXT,
    "name": _TEXT,
    "run_id": _TEXT,
    "conversation_id": _TEXT,
    "started_at": _TIME,
}
REQUIRED_COLUMNS = {
    "spans": ("trace_id", "span_id", "kind", "name", "started_at", "ended_at"),
    "runs": ("run_id", "trace_id", "status", "created_at", "updated_at"),
    "traces": ("trace_id", "started_at"),
}
TABLES = {"spans": SPAN_COLUMNS, "runs": RUN_COLUMNS, "traces": TRACE_COLUMNS}


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables in a new file and check the version of an older one.

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
            _create_tables(connection)
        connection.execute("commit")
    except Exception:
        connection.execute("rollback")
        raise


def _create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for table, columns in TABLES.items():
        required = REQUIRED_COLUMNS[table]
        lines = (f"{name} {sql}{' not null' if name in required else ''}" for name, (sql, _) in columns.items())
        connection.execute(f"create table {table} ({', '.join(lines)})")
    # How far each spool segment is read: committed together with its rows, so that each line comes in exactly once.
    connection.execute('create table spool_offsets (segment varchar not null, "offset" bigint not null)')
    connection.execute("insert into schema_version values (?)", [SCHEMA_VERSION])
