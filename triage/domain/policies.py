"""Policies as they are kept: texts with a version each, the newest of which is in force."""

from __future__ import annotations

from datetime import datetime

from triage.domain.base import Value


class SavedPolicy(Value):
    """One version of the policy's text: who saved it, when, and the note on why; versions start at 1."""

    version: int
    text: str
    note: str
    created_by: str
    created_at: datetime
