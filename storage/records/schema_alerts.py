"""The tables of alerts and budgets."""

from __future__ import annotations

import sqlalchemy as sa

from storage.records.columns import Json, Money, UtcTime
from storage.records.schema import METADATA

alert_rules = sa.Table(
    "alert_rules",
    METADATA,
    # A rule that comes with the console has no row until somebody changes it.
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("measure", sa.Text, nullable=False),
    sa.Column("window_hours", sa.Integer, nullable=False),
    sa.Column("warn_at", sa.Float, nullable=False),
    sa.Column("alert_at", sa.Float, nullable=False),
    sa.Column("least", sa.Integer, nullable=False),
    sa.Column("models", Json, nullable=False),
    sa.Column("agents", Json, nullable=False),
    sa.Column("categories", Json, nullable=False),
    sa.Column("is_on", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_at", UtcTime),
)

budgets = sa.Table(
    "budgets",
    METADATA,
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("limit_usd", Money),
    sa.Column("warn_share", sa.Float, nullable=False),
    sa.Column("is_on", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_at", UtcTime),
)

alert_states = sa.Table(
    "alert_states",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("looked_at", UtcTime, nullable=False),
)

alert_changes = sa.Table(
    "alert_changes",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    # No foreign key: the history stays when a rule is removed, and says by itself what the rule was.
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("warn_at", sa.Float),
    sa.Column("alert_at", sa.Float),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index(None, "id", "number"),
)

spending = sa.Table(
    "spending",
    METADATA,
    # One row a day in UTC. It is kept apart from the runs: a sum over a month reads 31 rows, and what was spent stays
    # spent when runs are deleted.
    sa.Column("day", sa.Text, primary_key=True),
    # Billionths of a dollar: whole numbers can be added inside of one statement, exactly, on both databases.
    sa.Column("cost_nano_usd", sa.BigInteger, nullable=False),
    sa.Column("unpriced_calls", sa.Integer, nullable=False),
)
