"""The tables of what people say of guardrails."""

from __future__ import annotations

import sqlalchemy as sa

from storage.records.columns import UtcTime
from storage.records.schema import METADATA

trip_marks = sa.Table(
    "trip_marks",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    # No foreign key: a mark counts for the precision of its guardrail after the run is deleted, and the work of other
    # programs has no run.
    sa.Column("run_id", sa.Text, index=True),
    sa.Column("guardrail", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("tripped_at", UtcTime, nullable=False, index=True),
    sa.Column("judgement", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("marked_by", sa.Text, nullable=False),
    sa.Column("marked_at", UtcTime, nullable=False),
)

releases = sa.Table(
    "releases",
    METADATA,
    # The key makes a blocked run be released once, whoever presses the button at the same moment.
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="cascade"), primary_key=True),
    sa.Column("released_run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="cascade"), nullable=False, unique=True),
    sa.Column("guardrail", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("message_hash", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("released_by", sa.Text, nullable=False),
    sa.Column("released_at", UtcTime, nullable=False),
)

cases = sa.Table(
    "cases",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("message_hash", sa.Text, nullable=False),
    sa.Column("guardrail", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("expected_verdict", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    # No foreign keys: cases stay when their run and its trace are deleted at the end of their retention.
    sa.Column("source_trip_id", sa.Text, nullable=False, index=True),
    sa.Column("source_run_id", sa.Text, nullable=False, index=True),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False, index=True),
    sa.UniqueConstraint("message_hash", "guardrail"),
)
