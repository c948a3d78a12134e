"""Writing the audit log: one entry per change, in the transaction of the change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from triage.domain import Actor, NewAuditEntry, Role, utc_now
from triage.gateway import Stores
from triage.redaction.redact import redact_text

FINGERPRINT_CHARS = 32
# One word such as an id, an amount or a choice.
_PLAIN_VALUE = re.compile(r"[\w.:+-]{0,40}")
SYSTEM = Actor(name="system", role=Role.ADMIN)
"""Who does what no person asked for, such as the first start."""


def add_entry(
    tx: Stores,
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


def staff_words(text: str | None) -> str | None:
    """Return what somebody of the staff gave as a reason, without what names a customer: the log is for ever."""
    return None if text is None else redact_text(text)


def argument_marks(arguments: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return decided arguments for the log: numbers, choices and ids as they are, of texts and addresses the mark."""
    if arguments is None:
        return None
    return {
        name: text_mark(value) if isinstance(value, str) and not _PLAIN_VALUE.fullmatch(value) else value
        for name, value in arguments.items()
        if isinstance(value, str | int | float | bool | None)
    }


def text_mark(text: str | None) -> dict[str, Any] | None:
    """Return what the log keeps of a text for customers: enough to recognise it, and none of its words."""
    if text is None:
        return None
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"characters": len(text), "fingerprint": digest[:FINGERPRINT_CHARS]}
