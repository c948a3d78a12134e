"""Runs are counted by status without reading them."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Let the indexes hold all that the counts beside the inbox ask for."""
    op.drop_index("ix_runs_status_created_at_id", "runs")
    op.create_index("ix_runs_status_created_at_id_needs_person", "runs", ["status", "created_at", "id", "needs_person"])
    op.create_index("ix_runs_team_status_needs_person", "runs", ["team", "status", "needs_person"])
