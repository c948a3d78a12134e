"""Teams of runs, conversations and approvals; tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns, in which everything of before is of the team "support", and the table."""
    for table in ("conversations", "runs", "approvals"):
        op.add_column(table, sa.Column("team", sa.Text(), nullable=False, server_default="support"))
    op.create_index("ix_runs_team_created_at_id", "runs", ["team", "created_at", "id"])
    op.create_index("ix_approvals_team_status_due_at_number", "approvals", ["team", "status", "due_at", "number"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON()),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.Column("revoked_by", sa.Text()),
        sa.Column("last_used_at", MOMENT),
        sa.Column("audited_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )
