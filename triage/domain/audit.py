"""The audit log: who changed what, in a chain that shows when a line is altered, missing or moved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from triage.domain.base import Role, Value


class NewAuditEntry(Value):
    """An entry before it has its place in the chain.

    ``action`` is a stable word such as ``approval.approved``; the subject is what it was done to, by kind and id.
    ``before`` and ``after`` hold what changed, and never more of a customer's text than that.
    """

    at: datetime
    actor: str
    role: Role
    action: str
    subject_kind: str
    subject_id: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class AuditEntry(NewAuditEntry):
    """One entry; ``seq`` starts at 1 and has no gaps, and ``hash`` covers all of it and the hash before."""

    seq: int
    previous_hash: str
    hash: str
