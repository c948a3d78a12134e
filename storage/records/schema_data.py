"""The table of work on what is kept: exports, backups, erasures, retention."""

from __future__ import annotations

import sqlalchemy as sa

from storage.records.columns import Json, UtcTime
from storage.records.schema import METADATA

data_jobs = sa.Table(
    "data_jobs",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("arguments", Json, nullable=False),
    sa.Column("progress", Json),
    sa.Column("result", Json),
    sa.Column("error", sa.Text),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Index(None, "status", "created_at"),
    sa.Index(None, "kind", "created_at"),
)
