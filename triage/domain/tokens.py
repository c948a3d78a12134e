"""Tokens, by which programs sign in."""

from __future__ import annotations

from datetime import datetime

from triage.domain.base import Role, Value


class Token(Value):
    """What a program signs in with; its secret is shown once and kept nowhere.

    ``scopes`` are the actions that it may do of those of its role, None all of them. ``last_used_at`` is true to the
    minute.
    """

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...] | None
    team: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    last_used_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether one can sign in with it."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
