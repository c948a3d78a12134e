"""The list of conversations, newest first."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the index of the list's order."""
    op.create_index("ix_conversations_created_at_id", "conversations", ["created_at", "id"])
