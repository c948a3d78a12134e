"""The audit log: append-only, each entry bound to the one before by a hash, the last one sealed."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy import Connection

from storage.records.audit_chain import FIRST_HASH, Seal, canonical, check_chain, entry_hash, read_seal, write_seal
from storage.records.base import LIKE_ESCAPE, like
from storage.records.notes import NoteStore
from storage.records.schema_control import audit_log
from triage.domain import AuditCheck, AuditEntry, AuditFilter, NewAuditEntry
from triage.errors import DataFolderError

SEAL = "audit.seal"
_PAGE = 1000
# Writers take turns, also where the database would let them write side by side.
_LOCK = sa.text("lock table audit_log in exclusive mode")
_LAST = sa.select(audit_log.c.seq, audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
_COUNT = sa.select(sa.func.count()).select_from(audit_log)
# For the check every value is read as it stands there, also one that is no time.
_AS_IT_STANDS = [
    sa.type_coerce(column, sa.Text).label(column.name) if column.name == "at" else column for column in audit_log.c
]


class AuditStore:
    """The entries of the audit log; nothing here changes or removes one.

    With a ``key`` each new entry is sealed as the last one, if the one before was. Otherwise the seal stays where it
    is: whatever broke the chain is never covered by a new seal, except by ``seal``, on purpose.
    """

    def __init__(self, connection: Connection, *, key: bytes | None = None) -> None:
        self.connection = connection
        self._key = key
        self._notes = NoteStore(connection)

    def add(self, entry: NewAuditEntry) -> AuditEntry:
        """Append an entry to the chain, in the caller's transaction, so that the change and its entry are one.

        On PostgreSQL others wait to append until the transaction ends, so this comes last in it.
        """
        head = self._lock_head()
        is_sealed = self._is_sealed(head)
        row = _row(entry, seq=head.seq + 1, previous=head.hash)
        row["hash"] = entry_hash(row)
        self.connection.execute(sa.insert(audit_log), row)
        if is_sealed:
            self._put_seal(Seal(row["seq"], row["hash"]))
        return _entry(row)

    def seal(self) -> None:
        """Seal the last line as it is, whatever was sealed before; the caller has said in an entry why."""
        self._put_seal(self._lock_head())

    def list(
        self,
        query: AuditFilter | None = None,
        *,
        after: int = 0,
        newest_first: bool = False,
        limit: int = 1000,
        offset: int = 0,
    ) -> builtins.list[AuditEntry]:
        """Return the entries above number ``after`` that the filter lets through, in order.

        Raises:
            DataFolderError: a line holds what is never written there, so somebody altered it.
        """
        statement = sa.select(audit_log).where(audit_log.c.seq > after, *_conditions(query or AuditFilter()))
        order = audit_log.c.seq.desc() if newest_first else audit_log.c.seq
        try:
            rows = self.connection.execute(statement.order_by(order).limit(limit).offset(offset))
            return [_entry(row._asdict()) for row in rows]
        except (ValueError, ValidationError):
            raise DataFolderError(
                "A line of the audit log cannot be read, so it was altered. "
                "Run python -m triage audit verify to learn which one."
            ) from None

    def count(self, query: AuditFilter | None = None) -> int:
        """Count the entries that the filter lets through."""
        return self.connection.scalar(_COUNT.where(*_conditions(query or AuditFilter()))) or 0

    def words(self, column: str) -> builtins.list[str]:
        """Return the different words of ``actor`` or ``action``, in order."""
        chosen = audit_log.c[column]
        return builtins.list(self.connection.scalars(sa.select(chosen).distinct().order_by(chosen)))

    def verify(self, *, known: tuple[int, str] | None = None) -> AuditCheck:
        """Check every line; nothing is mended.

        ``known`` is number and hash of a line that somebody noted elsewhere: it has to be there, and unchanged.
        """
        text = self._notes.get(SEAL)
        seal = None if self._key is None or text is None else read_seal(text, key=self._key)
        noted = _Noted(known)
        check = check_chain(noted.watch(self._rows()), seal=seal)
        if not check.is_unbroken:
            return check
        if noted.is_missed:
            number = noted.seq
            problem = f"Line {number} is not the one that was noted elsewhere: lines were rewritten or are missing."
            return check.model_copy(update={"first_wrong": number, "problem": problem})
        if self._key is None or seal is not None or (text is None and check.head_seq == 0):
            return check
        what = "is missing" if text is None else "was altered, or made with another TRIAGE_SECRET_KEY"
        problem = f"The seal of the last line {what}: lines may be missing after line {check.head_seq}."
        return check.model_copy(update={"problem": problem})

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield all lines in the order of their numbers, page by page."""
        statement = sa.select(*(_AS_IT_STANDS if self._is_sqlite else audit_log.c)).order_by(audit_log.c.seq)
        page = self.connection.execute(statement.limit(_PAGE)).all()
        while page:
            yield from (row._asdict() for row in page)
            page = self.connection.execute(statement.where(audit_log.c.seq > page[-1].seq).limit(_PAGE)).all()

    def _lock_head(self) -> Seal:
        if not self._is_sqlite:
            self.connection.execute(_LOCK)
        last = self.connection.execute(_LAST).first()
        return Seal(last.seq, last.hash) if last else Seal(0, FIRST_HASH)

    def _is_sealed(self, head: Seal) -> bool:
        if self._key is None:
            return False
        text = self._notes.get(SEAL)
        return head.seq == 0 if text is None else read_seal(text, key=self._key) == head

    def _put_seal(self, head: Seal) -> None:
        if self._key is not None:
            self._notes.put(SEAL, write_seal(head, key=self._key))

    @property
    def _is_sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"


class _Noted:
    """Looks whether the line that was noted elsewhere comes by."""

    def __init__(self, known: tuple[int, str] | None) -> None:
        self.seq, self._hash = known or (0, FIRST_HASH)
        self.is_missed = known is not None

    def watch(self, rows: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for row in rows:
            if row["seq"] == self.seq and row["hash"] == self._hash:
                self.is_missed = False
            yield row


def _conditions(query: AuditFilter) -> Iterator[sa.ColumnElement[bool]]:
    if query.since is not None:
        yield audit_log.c.at >= query.since
    if query.until is not None:
        yield audit_log.c.at < query.until
    if query.actor is not None:
        yield audit_log.c.actor == query.actor
    if query.actions:
        yield audit_log.c.action.in_(query.actions)
    if query.subject_kind is not None:
        yield audit_log.c.subject_kind == query.subject_kind
    if subject := query.subject.strip():
        yield audit_log.c.subject_id.ilike(like(subject), escape=LIKE_ESCAPE)


def _row(entry: NewAuditEntry, *, seq: int, previous: str) -> dict[str, Any]:
    parts = entry.model_dump(mode="json", include={"before", "after"})
    return {
        "seq": seq,
        "at": entry.at.astimezone(UTC),
        "actor": entry.actor,
        "role": entry.role.value,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        **{name: None if part is None else canonical(part) for name, part in parts.items()},
        "previous_hash": previous,
    }


def _entry(row: dict[str, Any]) -> AuditEntry:
    parts = {name: None if row[name] is None else json.loads(row[name]) for name in ("before", "after")}
    return AuditEntry.model_validate({**row, **parts})
