"""Removes conversations with everything that hangs on them, whether a customer asked for it or their time is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.schema import (
    METADATA,
    conversations,
    escalations,
    messages,
    outside_refunds,
    refunds,
    runs,
    tickets,
)
from storage.records.schema_control import deliveries
from storage.records.schema_guardrails import cases, trip_marks

AT_ONCE = 500
# What was paid, promised, handed over, judged or learned stays when a conversation's time is over.
LASTING = frozenset({refunds.name, outside_refunds.name, tickets.name, escalations.name, cases.name, trip_marks.name})
_RUN_COLUMNS = ("run_id", "source_run_id")
# Where the durable engine keeps what its workflows were given and said, each by the workflow's id.
_WORKFLOW_TABLES = (
    ("operation_outputs", "workflow_uuid"),
    ("workflow_input", "workflow_uuid"),
    ("workflow_output", "workflow_uuid"),
    ("workflow_events_history", "workflow_uuid"),
    ("workflow_events", "workflow_uuid"),
    ("streams", "workflow_uuid"),
    ("notifications", "destination_uuid"),
    ("workflow_status", "workflow_uuid"),
)


def remove_conversations(connection: Connection, conversation_ids: Sequence[str], *, lasting: bool) -> Counter[str]:
    """Remove conversations and what names them or their runs; return how many rows of which table went.

    ``lasting`` says whether tickets and escalations stay; refunds always do.
    """
    removed: Counter[str] = Counter()
    for ids in pieces(conversation_ids):
        run_ids = list(connection.scalars(sa.select(runs.c.id).where(runs.c.conversation_id.in_(ids))))
        removed += remove_of_runs(connection, run_ids, conversation_ids=ids, lasting=lasting)
        removed[messages.name] += _delete(connection, messages, messages.c.conversation_id.in_(ids))
        removed[conversations.name] += _delete(connection, conversations, conversations.c.id.in_(ids))
    return +removed


def remove_of_runs(
    connection: Connection, run_ids: Sequence[str], *, conversation_ids: Sequence[str] = (), lasting: bool
) -> Counter[str]:
    """Remove what belongs to runs, their workflows and notices included, and the runs themselves."""
    removed: Counter[str] = Counter()
    for ids in pieces(run_ids):
        removed["workflows"] += _remove_workflows(connection, ids)
        for table, column in _tables_of_runs(lasting=lasting):
            removed[table.name] += _delete(connection, table, column.in_(ids))
        removed["notices"] += _remove_notices(connection, ids)
        removed[runs.name] += _delete(connection, runs, runs.c.id.in_(ids))
    if not lasting:
        for table in (tickets, escalations):
            removed[table.name] += _delete(connection, table, table.c.conversation_id.in_(list(conversation_ids)))
    return +removed


def pieces(ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield the ids in portions that one statement takes."""
    for start in range(0, len(ids), AT_ONCE):
        yield list(ids[start : start + AT_ONCE])


def _tables_of_runs(*, lasting: bool) -> Iterator[tuple[sa.Table, sa.Column[str]]]:
    """Yield every table with a column for a run, so that a new one is not forgotten."""
    for table in reversed(METADATA.sorted_tables):
        if table in (refunds, outside_refunds, messages) or (lasting and table.name in LASTING):
            continue
        for name in _RUN_COLUMNS:
            if name in table.c:
                yield table, table.c[name]


def _delete(connection: Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.delete(table).where(condition)).rowcount


def _remove_notices(connection: Connection, run_ids: Sequence[str]) -> int:
    """Remove the notices about runs; their body is text, and names the run."""
    removed = 0
    for run_id in run_ids:
        removed += _delete(connection, deliveries, deliveries.c.body.contains(f'"{run_id}"', autoescape=True))
    return removed


def _remove_workflows(connection: Connection, run_ids: Sequence[str]) -> int:
    """Remove the durable engine's rows of the segments of runs; their ids are ``run:segment``."""
    schema = None if connection.dialect.name == "sqlite" else "dbos"
    there = set(sa.inspect(connection).get_table_names(schema=schema))
    removed = 0
    for name, column in _WORKFLOW_TABLES:
        if name not in there:
            continue
        table = sa.table(name, sa.column(column), schema=schema)
        for run_id in run_ids:
            is_of_run = (table.c[column] >= f"{run_id}:") & (table.c[column] < f"{run_id};")
            count = connection.execute(sa.delete(table).where(is_of_run)).rowcount
            removed += count if name == "workflow_status" else 0
    return removed
