"""Policies as they are kept: texts with a version each, the newest of which is in force."""

from __future__ import annotations

from datetime import datetime

from triage.domain.approvals import Approval
from triage.domain.base import Value


class SavedPolicy(Value):
    """One version of the policy's text: who saved it, when, and the note on why; versions start at 1."""

    version: int
    text: str
    note: str
    created_by: str
    created_at: datetime


class PastCall(Value):
    """A call that a policy has judged, with the plan that its customer has now, where that is known."""

    approval: Approval
    plan: str | None = None
