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


class AuditFilter(Value):
    """Which entries a list shows; an empty filter shows all. ``subject`` is a part of the subject's id."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    actions: tuple[str, ...] = ()
    subject_kind: str | None = None
    subject: str = ""


class AuditCheck(Value):
    """What a check of the whole log found.

    ``checked`` lines were good; ``problem`` is a sentence on the first thing that is wrong, and ``first_wrong`` is the
    number of its line where it has one. ``head_seq`` and ``head_hash`` name the last line that was good. ``is_sealed``
    says whether the end was compared with the seal.
    """

    checked: int
    head_seq: int
    head_hash: str
    is_sealed: bool
    first_wrong: int | None = None
    problem: str | None = None

    @property
    def is_unbroken(self) -> bool:
        """Whether every line is the one that was written, at its place."""
        return self.problem is None
