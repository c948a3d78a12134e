"""The tables of the trace store.

Times are UTC without a zone, because DuckDB compares those without its time zone tables; money is DECIMAL(18,9) in US
dollars. The tables have no primary keys: an index on a million spans costs memory and makes each insert slower, while
the spool's offsets already see to it that a line comes in once (``docs/tracing.md`` has the figures).
"""

from __future__ import annotations

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

SCHEMA_VERSION = 2

# One place names every column with its SQL and Arrow type; the tables and the typed batches both come from here, in the
# same order, as batches are inserted by position.
_TEXT, _COUNT, _TIME = ("varchar", pa.string()), ("bigint", pa.int64()), ("timestamp", pa.timestamp("us", tz="UTC"))
_BOOL, _MONEY, _DURATION = ("boolean", pa.bool_()), ("decimal(18, 9)", pa.decimal128(18, 9)), ("double", pa.float64())
_NUMBER = ("integer", pa.int32())

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
    "asked_model": _TEXT,
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
    "is_retry": _BOOL,
    "is_fallback": _BOOL,
    "is_paused": _BOOL,
    "error_kind": _TEXT,
    "error": _TEXT,
    "content_bytes": _COUNT,
    "part_no": _COUNT,
}
# What the spans say in words, apart from what is counted: it is by far the larger part and is kept for another time.
CONTENT_COLUMNS = {
    "trace_id": _TEXT,
    "span_id": _TEXT,
    "started_at": _TIME,
    "content": _TEXT,
    "part_no": _COUNT,
}
RUN_COLUMNS = {
    "run_id": _TEXT,
    "trace_id": _TEXT,
    "trace_key": _COUNT,
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
    "is_rerouted": _BOOL,
    "retry_of": _TEXT,
    "created_at": _TIME,
    "started_at": _TIME,
    "first_event_at": _TIME,
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
# What one batch brought of one trace, added up. Rows are only ever added: a trace that goes on has several. They say
# where in the large tables the rows of a trace are (by ``part_no``, which grows with time), what the list shows of it,
# and which document of the word index is about it.
PART_COLUMNS = {
    "part_no": _COUNT,
    "trace_key": _COUNT,
    "trace_id": _TEXT,
    "run_id": _TEXT,
    "conversation_id": _TEXT,
    "is_foreign": _BOOL,
    "first_at": _TIME,
    "last_at": _TIME,
    "span_count": _COUNT,
    "error_count": _COUNT,
    "tool_calls": _COUNT,
    "agents": _TEXT,
    "models": _TEXT,
    "tools": _TEXT,
    "guardrails": _TEXT,
    "cost_usd": _MONEY,
    "unpriced_calls": _COUNT,
    "input_tokens": _COUNT,
    "cached_tokens": _COUNT,
    "output_tokens": _COUNT,
    "reasoning_tokens": _COUNT,
}
# What the dashboards count, by kind and without the long ids: reading these takes a tenth of reading the spans.
CALL_COLUMNS = {
    "trace_key": _COUNT,
    "started_at": _TIME,
    "model": _TEXT,
    "asked_model": _TEXT,
    "agent": _TEXT,
    "guardrail": _TEXT,
    "is_answered": _BOOL,
    "is_retry": _BOOL,
    "is_fallback": _BOOL,
    "duration_ms": _DURATION,
    "cost_usd": _MONEY,
    "input_tokens": _COUNT,
    "cached_tokens": _COUNT,
    "output_tokens": _COUNT,
    "reasoning_tokens": _COUNT,
}
TOOL_COLUMNS = {
    "trace_key": _COUNT,
    "started_at": _TIME,
    "tool": _TEXT,
    "agent": _TEXT,
    "is_paused": _BOOL,
    "error_kind": _TEXT,
    "duration_ms": _DURATION,
}
HANDOFF_COLUMNS = {
    "trace_key": _COUNT,
    "started_at": _TIME,
    "agent": _TEXT,
    "from_agent": _TEXT,
    "to_agent": _TEXT,
}
CHECK_COLUMNS = {
    "trace_key": _COUNT,
    "trace_id": _TEXT,
    "span_id": _TEXT,
    "part_no": _COUNT,
    "started_at": _TIME,
    "guardrail": _TEXT,
    "stage": _TEXT,
    "verdict": _TEXT,
    "triggered": _BOOL,
    "agent": _TEXT,
    "duration_ms": _DURATION,
}
NAME_COLUMNS = {
    "kind": _TEXT,
    "name": _TEXT,
    "first_at": _TIME,
}
REQUIRED_COLUMNS: dict[str, tuple[str, ...]] = {
    "spans": ("trace_id", "span_id", "kind", "name", "started_at", "ended_at"),
    "span_contents": ("trace_id", "span_id", "started_at", "content"),
    "parts": ("part_no", "trace_key", "trace_id"),
    "runs": ("run_id", "trace_id", "trace_key", "status", "created_at", "updated_at"),
    "traces": ("trace_id", "started_at"),
}
TABLES = {
    "spans": SPAN_COLUMNS,
    "span_contents": CONTENT_COLUMNS,
    "runs": RUN_COLUMNS,
    "traces": TRACE_COLUMNS,
    "parts": PART_COLUMNS,
    "model_calls": CALL_COLUMNS,
    "tool_calls": TOOL_COLUMNS,
    "handoffs": HANDOFF_COLUMNS,
    "checks": CHECK_COLUMNS,
    "names": NAME_COLUMNS,
}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create all tables of this version in an empty file."""
    for table in TABLES:
        create_table(connection, table)
    create_view(connection)
    # How far each spool segment is read: committed together with its rows, so that each line comes in exactly once.
    connection.execute('create table spool_offsets (segment varchar not null, "offset" bigint not null)')


def create_view(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the view of spans with their words, for looking at a store by hand and for export."""
    connection.execute(
        """
        create view span_rows as
        select spans.* , span_contents.content
        from spans left join span_contents using (part_no, trace_id, span_id)
        """
    )


def create_table(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Create one table."""
    required = REQUIRED_COLUMNS.get(table, ())
    lines = (f"{name} {sql}{' not null' if name in required else ''}" for name, (sql, _) in TABLES[table].items())
    connection.execute(f"create table {table} ({', '.join(lines)})")
