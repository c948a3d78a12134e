"""To which role an overdue action has escalated; webhook secrets that can be rotated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)
# Until now everything overdue was the managers' business.
ESCALATED = "update approvals set escalated_to = 'manager' where escalated_at is not null"


def upgrade() -> None:
    """Add the columns; secrets in clear text are sealed when the records are opened with their key."""
    op.add_column("approvals", sa.Column("escalated_to", sa.Text()))
    op.execute(ESCALATED)
    op.add_column("webhooks", sa.Column("old_secret", sa.Text()))
    op.add_column("webhooks", sa.Column("old_secret_until", MOMENT))
