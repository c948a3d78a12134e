"""The tables of tokens and sign-ins."""

from __future__ import annotations

import sqlalchemy as sa

from storage.records.columns import Json, UtcTime
from storage.records.schema import METADATA

tokens = sa.Table(
    "tokens",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # SHA-256 of the secret; the secret itself is kept nowhere.
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("scopes", Json),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime),
    sa.Column("revoked_at", UtcTime),
    sa.Column("revoked_by", sa.Text),
    sa.Column("last_used_at", UtcTime),
    # When the audit log last got an entry of its use.
    sa.Column("audited_at", UtcTime),
)

sign_ins = sa.Table(
    "sign_ins",
    METADATA,
    # Made of what the provider says of the sign-in, and nothing to sign in with.
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("began_at", UtcTime, nullable=False),
    sa.Column("ends_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
)
