"""Alembic's entry: runs the migrations on the connection, and in the transaction, of the caller."""

from __future__ import annotations

from alembic import context

from storage.records.migrate import VERSION_TABLE
from storage.records.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    # SQLite rolls back table changes like any other; Alembic only does not assume it.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
