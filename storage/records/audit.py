"""The audit log: append-only, each entry bound to the one before by a hash."""

from __future__ import annotations

import builtins
import hashlib
import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.schema_control import audit_log
from triage.domain import AuditEntry, NewAuditEntry

FIRST_HASH = "0" * 64
# Writers take turns, also where the database would let them write side by side.
_LOCK = sa.text("lock table audit_log in exclusive mode")
_LAST = sa.select(audit_log.c.seq, audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
_LIST = sa.select(audit_log).order_by(audit_log.c.seq).limit(sa.bindparam("limit"))
_AFTER = _LIST.where(audit_log.c.seq > sa.bindparam("after"))


class AuditStore:
    """The entries of the audit log; nothing here changes or removes one."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, entry: NewAuditEntry) -> AuditEntry:
        """Append an entry to the chain, in the caller's transaction, so that the change and its entry are one."""
        if self.connection.dialect.name != "sqlite":
            self.connection.execute(_LOCK)
        last = self.connection.execute(_LAST).first()
        seq, previous = (last.seq + 1, last.hash) if last else (1, FIRST_HASH)
        row = _row(entry, seq=seq, previous=previous)
        row["hash"] = entry_hash(row)
        self.connection.execute(sa.insert(audit_log), row)
        return _entry(row)

    def list(self, *, after: int = 0, limit: int = 1000) -> builtins.list[AuditEntry]:
        """Return the entries above number ``after``, in order."""
        rows = self.connection.execute(_AFTER, {"after": after, "limit": limit})
        return [_entry(row._asdict()) for row in rows]


def entry_hash(row: dict[str, Any]) -> str:
    """Return the hash over everything in a row but its hash, as SHA-256 of its canonical JSON in hexadecimal."""
    covered = {name: value for name, value in row.items() if name != "hash"}
    covered["at"] = row["at"].isoformat()
    return hashlib.sha256(_canonical(covered).encode()).hexdigest()


def _row(entry: NewAuditEntry, *, seq: int, previous: str) -> dict[str, Any]:
    return {
        **entry.model_dump(exclude={"before", "after", "role"}),
        "seq": seq,
        "role": entry.role.value,
        "before": None if entry.before is None else _canonical(entry.model_dump(mode="json")["before"]),
        "after": None if entry.after is None else _canonical(entry.model_dump(mode="json")["after"]),
        "previous_hash": previous,
    }


def _entry(row: dict[str, Any]) -> AuditEntry:
    parts = {name: None if row[name] is None else json.loads(row[name]) for name in ("before", "after")}
    return AuditEntry.model_validate({**row, **parts})


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
