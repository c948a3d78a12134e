"""What people say of guardrails: marks on trips, released messages, evaluation cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables."""
    _create_marks()
    _create_releases()
    _create_cases()


def _create_marks() -> None:
    op.create_table(
        "trip_marks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.Column("guardrail", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("tripped_at", MOMENT, nullable=False),
        sa.Column("judgement", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("marked_by", sa.Text(), nullable=False),
        sa.Column("marked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trip_marks"),
    )
    op.create_index("ix_trip_marks_run_id", "trip_marks", ["run_id"])
    op.create_index("ix_trip_marks_tripped_at", "trip_marks", ["tripped_at"])


def _create_releases() -> None:
    op.create_table(
        "releases",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("released_run_id", sa.Text(), nullable=False),
        sa.Column("guardrail", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("message_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("released_by", sa.Text(), nullable=False),
        sa.Column("released_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_releases_run_id", ondelete="cascade"),
        sa.ForeignKeyConstraint(
            ["released_run_id"], ["runs.id"], name="fk_releases_released_run_id", ondelete="cascade"
        ),
        sa.PrimaryKeyConstraint("run_id", name="pk_releases"),
        sa.UniqueConstraint("released_run_id", name="uq_releases_released_run_id"),
    )


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("message_hash", sa.Text(), nullable=False),
        sa.Column("guardrail", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("expected_verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("source_trip_id", sa.Text(), nullable=False),
        sa.Column("source_run_id", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("message_hash", "guardrail", name="uq_cases_message_hash_guardrail"),
    )
    op.create_index("ix_cases_source_trip_id", "cases", ["source_trip_id"])
    op.create_index("ix_cases_source_run_id", "cases", ["source_run_id"])
    op.create_index("ix_cases_created_at", "cases", ["created_at"])
