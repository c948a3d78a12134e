"""An escalation that was made after the reply was sent needs a person as well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INDEX = "ix_runs_needs_person_created_at_id"
NEEDS_PERSON = (
    "escalated or (reply_sent_at is null and (status = 'failed'"
    " or (status = 'cancelled' and assigned_to is not null)"
    " or (status = 'completed' and (degraded or requires_human))"
    " or (status = 'blocked' and trip_stage is not null and trip_stage <> 'input')))"
)
# Until now a run stayed escalated for ever, and its reply was what closed it.
ANSWERED = """
update runs set escalated = false
where escalated and reply_sent_at is not null and not exists (
    select 1 from escalations
    where escalations.run_id = runs.id and escalations.created_at > runs.reply_sent_at
)
"""


def upgrade() -> None:
    """Compute the column by the new rule."""
    op.drop_index(INDEX, "runs")
    op.drop_column("runs", "needs_person")
    op.execute(ANSWERED)
    # SQLite cannot add a stored column to a table that exists; the index holds the value there all the same.
    is_stored = op.get_bind().dialect.name != "sqlite"
    rule = sa.Computed(NEEDS_PERSON, persisted=is_stored)
    op.add_column("runs", sa.Column("needs_person", sa.Boolean(), rule, nullable=False))
    op.create_index(INDEX, "runs", ["needs_person", "created_at", "id"])
