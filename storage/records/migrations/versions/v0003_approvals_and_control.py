"""Approvals with claims, two people and times; policies, switches, webhooks and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.records.migrations.audit_guard import guard_statements

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
AMOUNT = sa.Numeric().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Add the columns and the tables."""
    _extend_approvals()
    _create_audit_log()
    _create_switches()
    _create_webhooks()
    # Which paused runs another build made is asked often, and their states are long: the index spares reading them.
    op.create_index(
        "ix_run_states_build",
        "run_states",
        ["run_id", "sdk_version", "schema_version", "tools_fingerprint", "segment"],
    )


def _extend_approvals() -> None:
    for column in (
        sa.Column("kind", sa.Text(), nullable=False, server_default="action"),
        sa.Column("arguments_hash", sa.Text()),
        sa.Column("rule", sa.Text(), nullable=False, server_default=""),
        sa.Column("policy_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("mode", sa.Text(), nullable=False, server_default="approval"),
        sa.Column("urgency", sa.Text(), nullable=False, server_default="medium"),
        sa.Column("amount_usd", AMOUNT),
        sa.Column("customer_email", sa.Text()),
        sa.Column("submitted_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("claimed_until", MOMENT),
        sa.Column("endorsed_by", sa.Text()),
        sa.Column("endorsed_at", MOMENT),
        sa.Column("endorsed_arguments", sa.JSON()),
        sa.Column("reason_code", sa.Text()),
        sa.Column("due_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("reminded_at", MOMENT),
        sa.Column("escalated_at", MOMENT),
        sa.Column("reversed_at", MOMENT),
        sa.Column("reversed_by", sa.Text()),
    ):
        op.add_column("approvals", column)
    op.create_index("ix_approvals_status_due_at_number", "approvals", ["status", "due_at", "number"])
    op.create_index("ix_approvals_tool_rule_decided_at", "approvals", ["tool", "rule", "decided_at"])
    op.create_index("ix_approvals_decided_by_decided_at", "approvals", ["decided_by", "decided_at"])
    op.create_index("ix_approvals_customer_email_decided_at", "approvals", ["customer_email", "decided_at"])
    op.create_index("ix_approvals_decided_at_number", "approvals", ["decided_at", "number"])
    unknown = sa.text("execution = 'unknown'")
    op.create_index("ix_approvals_unknown", "approvals", ["decided_at"], sqlite_where=unknown, postgresql_where=unknown)


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index("ix_audit_log_subject_kind_subject_id_seq", "audit_log", ["subject_kind", "subject_id", "seq"])
    op.create_index("ix_audit_log_actor_seq", "audit_log", ["actor", "seq"])
    op.create_index("ix_audit_log_action_seq", "audit_log", ["action", "seq"])
    for statement in guard_statements(op.get_bind().dialect.name):
        op.execute(statement)


def _create_switches() -> None:
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policies"),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_switches"),
    )


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("delivered_at", MOMENT),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id", ondelete="cascade"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_status_next_at", "deliveries", ["status", "next_at"])
    op.create_index("ix_deliveries_webhook_id_created_at", "deliveries", ["webhook_id", "created_at"])
