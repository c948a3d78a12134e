"""Tickets at a help desk, refunds of orders in a database of the company, replies in notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

AMOUNT = sa.Numeric().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Add the columns and the table; webhooks of before carry no replies."""
    op.add_column("webhooks", sa.Column("carries_text", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tickets", sa.Column("external_id", sa.Text()))
    op.add_column("tickets", sa.Column("external_url", sa.Text()))
    op.create_table(
        "outside_refunds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("amount_usd", AMOUNT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outside_refunds"),
        sa.UniqueConstraint("order_id", name="uq_outside_refunds_order_id"),
        sa.UniqueConstraint("run_id", "call_id", name="uq_outside_refunds_run_id_call_id"),
    )
