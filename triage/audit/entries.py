"""Writing the audit log: one entry per change, in the transaction of the change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from triage.domain import Actor, NewAuditEntry, Role, utc_now

FINGERPRINT_CHARS = 32
SYSTEM = Actor(name="system", role=Role.ADMIN)
"""Who does what no person asked for, such as the first start."""


def add_entry(
    tx: Any,
    action: str,
    *,
    actor: Actor,
    subject: tuple[str, str],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append an entry as the last thing of the transaction ``tx``; ``subject`` is the kind and id of what changed."""
    kind, subject_id = subject
    tx.audit.add(
        NewAuditEntry(
            at=utc_now(),
            actor=actor.name,
            role=actor.role,
            action=action,
            subject_kind=kind,
            subject_id=subject_id,
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
        )
    )


def text_mark(text: str | None) -> dict[str, Any] | None:
    """Return what the log keeps of a text for customers: enough to recognise it, and none of its words."""
    if text is None:
        return None
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"characters": len(text), "fingerprint": digest[:FINGERPRINT_CHARS]}
