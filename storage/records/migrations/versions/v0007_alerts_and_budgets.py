"""Alert rules, budgets, their states, and what was spent on each day."""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)
NANO = Decimal(10) ** 9


def upgrade() -> None:
    """Add the tables, and the days on which runs have cost something."""
    money = sa.Text() if op.get_bind().dialect.name == "sqlite" else sa.Numeric()
    _create_rules()
    op.create_table(
        "budgets",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("limit_usd", money),
        sa.Column("warn_share", sa.Float(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT),
        sa.PrimaryKeyConstraint("period", name="pk_budgets"),
    )
    _create_states()
    op.create_table(
        "spending",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger(), nullable=False),
        sa.Column("unpriced_calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_spending"),
    )
    _fill_spending()


def _create_rules() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("window_hours", sa.Integer(), nullable=False),
        sa.Column("warn_at", sa.Float(), nullable=False),
        sa.Column("alert_at", sa.Float(), nullable=False),
        sa.Column("least", sa.Integer(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("agents", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rules"),
    )


def _create_states() -> None:
    op.create_table(
        "alert_states",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("value", sa.Float()),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("looked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_states"),
    )
    op.create_table(
        "alert_changes",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("value", sa.Float()),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("warn_at", sa.Float()),
        sa.Column("alert_at", sa.Float()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_alert_changes"),
    )
    op.create_index("ix_alert_changes_id_number", "alert_changes", ["id", "number"])


def _fill_spending() -> None:
    """Add up what the runs of before have cost, on the day on which each of them ended or last changed."""
    connection = op.get_bind()
    found = connection.execute(
        sa.text("select coalesce(ended_at, updated_at) as at, cost_usd, unpriced_calls from runs")
    )
    days: dict[str, tuple[int, int]] = {}
    for at, cost_usd, unpriced_calls in found:
        cost, unpriced = days.get(str(at)[:10], (0, 0))
        days[str(at)[:10]] = cost + round(Decimal(str(cost_usd)) * NANO), unpriced + unpriced_calls
    rows = [
        {"day": day, "cost": cost, "unpriced": unpriced} for day, (cost, unpriced) in days.items() if cost or unpriced
    ]
    if rows:
        insert = "insert into spending (day, cost_nano_usd, unpriced_calls) values (:day, :cost, :unpriced)"
        connection.execute(sa.text(insert), rows)
