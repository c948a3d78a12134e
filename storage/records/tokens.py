"""Tokens, by which programs sign in."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from storage.records.base import Store, add_rows
from storage.records.columns import UtcTime
from storage.records.prepared import Prepared
from storage.records.schema_access import tokens
from triage.domain import Token

_LIST = Prepared(sa.select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id))
_NOTE_USE = (
    sa.update(tokens)
    .where(
        tokens.c.id == sa.bindparam("the_id"),
        sa.or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at <= sa.bindparam("before", type_=UtcTime)),
    )
    .values(last_used_at=sa.bindparam("at", type_=UtcTime))
)
_NOTE_AUDIT = (
    sa.update(tokens).where(tokens.c.id == sa.bindparam("the_id")).values(audited_at=sa.bindparam("at", type_=UtcTime))
)

_MAKERS = sa.select(tokens.c.created_by).distinct().where(tokens.c.name == sa.bindparam("name"))


class KnownToken(NamedTuple):
    """A token with what its secret is compared with, and when its use was last entered into the audit log."""

    token: Token
    digest: str
    audited_at: datetime | None


class TokenStore(Store[Token]):
    """The tokens; their digests leave the store for one comparison only."""

    table = tokens
    value = Token
    noun = "token"

    def add(self, token: Token, *, digest: str) -> None:
        """Keep a new token.

        Raises:
            Conflict: there is one with this id.
        """
        add_rows(self.connection, tokens, {**self._row(token), "digest": digest}, noun=self.noun)

    def update(self, id: str, **changes: Any) -> Token:  # noqa: A002 - the column's name
        """Change fields of a token and return it as it is then.

        Raises:
            NotFound: there is no such token.
        """
        return self._change(id, expect=None, changes=changes)

    def note_use(self, id: str, *, at: datetime, unless_since: datetime) -> bool:  # noqa: A002
        """Keep the time of a use, unless one later than ``unless_since`` is kept; return whether it was."""
        given = {"the_id": id, "at": at, "before": unless_since}
        return self.connection.execute(_NOTE_USE, given).rowcount == 1

    def note_audit(self, id: str, *, at: datetime) -> None:  # noqa: A002
        """Keep when the audit log got an entry of the use."""
        self.connection.execute(_NOTE_AUDIT, {"the_id": id, "at": at})

    def find_with_digest(self, id: str) -> KnownToken | None:  # noqa: A002
        """Return a token with its digest, or None."""
        found = self._by_id.rows(self.connection, {"id": id})
        return next(
            (KnownToken(self.value.model_validate(row), row["digest"], row["audited_at"]) for row in found), None
        )

    def makers(self, name: str) -> set[str]:
        """Return who made the tokens of a name; those that are over count as well."""
        return set(self.connection.scalars(_MAKERS, {"name": name}))

    def list(self) -> builtins.list[Token]:
        """Return all tokens, newest first."""
        return self._all(_LIST)
