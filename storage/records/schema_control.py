"""The tables of what steers the desk: policies, switches, webhooks, and the audit log of it all."""

from __future__ import annotations

import sqlalchemy as sa

from storage.records.columns import Json, UtcTime
from storage.records.schema import METADATA

audit_log = sa.Table(
    "audit_log",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject_kind", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    # Text and not JSON: the hash is over these very characters.
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Index(None, "at"),
    sa.Index(None, "subject_kind", "subject_id", "seq"),
    sa.Index(None, "actor", "seq"),
    sa.Index(None, "action", "seq"),
)

policies = sa.Table(
    "policies",
    METADATA,
    # Versions count up; the newest one is in force.
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
)

switches = sa.Table(
    "switches",
    METADATA,
    # "tool:process_refund", "agent:Billing specialist", "writes" or "everything_needs_approval"; off is no row.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Column("set_at", UtcTime, nullable=False),
)

webhooks = sa.Table(
    "webhooks",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    # Sealed with a key that is not in the database.
    sa.Column("secret", sa.Text, nullable=False),
    # The secret before the last rotation, which signs as well until then.
    sa.Column("old_secret", sa.Text),
    sa.Column("old_secret_until", UtcTime),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("topics", Json, nullable=False),
    # Whether notices of replies have their words in them.
    sa.Column("carries_text", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("webhook_id", sa.Text, sa.ForeignKey("webhooks.id", ondelete="cascade"), nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    # What happened, as it was then; its form and the link to the console are added when it is sent.
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("next_at", UtcTime, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("delivered_at", UtcTime),
    sa.Index(None, "status", "next_at"),
    sa.Index(None, "webhook_id", "created_at"),
)
