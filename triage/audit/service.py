"""Reading the audit log, for managers: list, export, check."""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from triage.access.actions import Action, require
from triage.audit.entries import add_entry
from triage.audit.export import Format, written
from triage.domain import Actor, AuditCheck, AuditEntry, AuditFilter, Value
from triage.errors import InvalidInput, NotFound
from triage.gateway import Gateway

MAX_REASON_CHARS = 500
_PAGE = 1000


class AuditChoices(Value):
    """What there is to filter by."""

    actors: tuple[str, ...]
    actions: tuple[str, ...]


class AuditService:
    """The audit log; reading needs a manager, and nothing here changes a line."""

    def __init__(self, *, records: Gateway) -> None:
        self._records = records

    def list(
        self, query: AuditFilter | None = None, *, actor: Actor, limit: int = 50, offset: int = 0
    ) -> builtins.list[AuditEntry]:
        """Return entries, newest first.

        Raises:
            NotAllowed: the actor is not a manager.
            DataFolderError: a line was altered so that it cannot be read.
        """
        _require_reader(actor)
        with self._records.read() as tx:
            return tx.audit.list(query, newest_first=True, limit=limit, offset=offset)

    def get(self, seq: int, *, actor: Actor) -> AuditEntry:
        """Return one entry.

        Raises:
            NotAllowed: the actor is not a manager.
            NotFound: there is no entry with this number.
        """
        _require_reader(actor)
        with self._records.read() as tx:
            found = tx.audit.list(after=seq - 1, limit=1)
        if not found or found[0].seq != seq:
            raise NotFound(f"The audit log has no line {seq}.")
        return found[0]

    def count(self, query: AuditFilter | None = None, *, actor: Actor) -> int:
        """Return how many entries the filter lets through.

        Raises:
            NotAllowed: the actor is not a manager.
        """
        _require_reader(actor)
        with self._records.read() as tx:
            return tx.audit.count(query)

    def choices(self, *, actor: Actor) -> AuditChoices:
        """Return who and what there is in the log.

        Raises:
            NotAllowed: the actor is not a manager.
        """
        _require_reader(actor)
        with self._records.read() as tx:
            return AuditChoices(
                actors=tuple(tx.audit.words("actor")),
                actions=tuple(tx.audit.words("action")),
            )

    def verify(self, *, actor: Actor, known: tuple[int, str] | None = None) -> AuditCheck:
        """Check every line of the log and return what was found; nothing is mended.

        ``known`` is number and hash of a line that was noted elsewhere, for example from an earlier check.

        Raises:
            NotAllowed: the actor is not a manager.
        """
        _require_reader(actor)
        with self._records.read() as tx:
            return tx.audit.verify(known=known)

    def export(self, query: AuditFilter | None = None, *, form: Format, actor: Actor) -> Iterator[str]:
        """Enter the export into the log, then return the file piece by piece, oldest entry first, without that entry.

        Raises:
            NotAllowed: the actor is not a manager.
        """
        require(actor, Action.AUDIT_EXPORT)
        wanted = query or AuditFilter()
        with self._records.begin() as tx:
            count = tx.audit.count(wanted)
            last = next(iter(tx.audit.list(newest_first=True, limit=1)), None)
            narrowed = wanted.model_dump(mode="json", exclude_defaults=True)
            after = {"format": form, "entries": count, **({"filter": narrowed} if narrowed else {})}
            add_entry(tx, "audit.exported", actor=actor, subject=("audit", form), after=after)
        return written(self._pages(wanted, until=last.seq if last else 0), form)

    def seal(self, *, reason: str, actor: Actor) -> AuditCheck:
        """Seal the end of the log as it is, after a break was looked into or the key was changed.

        What was found before and the reason become an entry. Lines that were altered stay altered, and are found again.

        Raises:
            NotAllowed: the actor is not an administrator.
            InvalidInput: there is no reason.
        """
        require(actor, Action.AUDIT_SEAL)
        text = reason.strip()[:MAX_REASON_CHARS]
        if not text:
            raise InvalidInput("Say why the audit log is sealed anew; the reason becomes a part of it.")
        with self._records.begin() as tx:
            found = tx.audit.verify()
            before = {"checked": found.checked, "problem": found.problem}
            add_entry(tx, "audit.sealed", actor=actor, subject=("audit", "seal"), before=before, after={"reason": text})
            tx.audit.seal()
            return tx.audit.verify()

    def _pages(self, query: AuditFilter, *, until: int) -> Iterator[AuditEntry]:
        """Yield the entries up to number ``until`` in order; each page is its own look, so no look lasts long."""
        after = 0
        while after < until:
            with self._records.read() as tx:
                page = tx.audit.list(query, after=after, limit=_PAGE)
            if not page:
                return
            for entry in page:
                if entry.seq > until:
                    return
                yield entry
            after = page[-1].seq


def _require_reader(actor: Actor) -> None:
    require(actor, Action.AUDIT_READ)
