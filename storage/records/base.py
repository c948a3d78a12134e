"""What every store does the same way: rows to values and back, one by id, an update that checks the status first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

import sqlalchemy as sa
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from storage.records.columns import Folded, FoldedAscii
from storage.records.prepared import Prepared
from triage.errors import Conflict, NotFound

V = TypeVar("V", bound=BaseModel)
LIKE_ESCAPE = "\\"
# Asked first, because asking of a value whether it is a mapping takes longer than all else.
_TAKEN_AS_IT_IS = frozenset({str, int, bool, type(None), datetime, Decimal})


class Store(Generic[V]):
    """The records of one kind, bound to one connection.

    A subclass names its table, the domain's value and the word a person uses for it. Statements are built once per
    class, because building costs more than running them.
    """

    table: ClassVar[sa.Table]
    value: type[V]
    noun: ClassVar[str]
    _by_id: ClassVar[Prepared]
    _update: ClassVar[Prepared]
    _update_expecting: ClassVar[Prepared]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "id" not in cls.table.c:
            return
        cls._by_id = Prepared(sa.select(cls.table).where(cls.table.c.id == sa.bindparam("id")))
        update = sa.update(cls.table).where(cls.table.c.id == sa.bindparam("the_id")).returning(*cls.table.c)
        cls._update = Prepared(update)
        if "status" in cls.table.c:
            expected = cls.table.c.status.in_(sa.bindparam("expected", expanding=True))
            cls._update_expecting = Prepared(update.where(expected))

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def get(self, id: str) -> V:  # noqa: A002 - the column's name
        """Return the record with this id.

        Raises:
            NotFound: there is none.
        """
        found = self.find(id)
        if found is None:
            raise self._not_found(id)
        return found

    def find(self, id: str) -> V | None:  # noqa: A002
        """Return the record with this id, or None."""
        return self._one(self._by_id, {"id": id})

    def _add(self, value: V) -> None:
        """Insert one record.

        Raises:
            Conflict: its id or another unique field is taken, or it belongs to a record that does not exist.
        """
        add_rows(self.connection, self.table, self._row(value), noun=self.noun)

    def _add_once(self, value: V, *, unique: tuple[str, ...]) -> V:
        """Insert one record, or return the kept one that has the same values in the ``unique`` columns."""
        row = self._row(value)
        if insert_once(self.table, unique, self.connection.dialect.name).run(self.connection, row) == 1:
            return value
        kept = self._one(_select_by(self.table, unique), {name: row[name] for name in unique})
        if kept is None:
            raise self._not_found(str(row["id"]))
        return kept

    def _change(self, id: str, *, expect: Collection[str] | None, changes: Mapping[str, Any]) -> V:  # noqa: A002
        """Change one record, if its status is one of ``expect``, in a single statement.

        Raises:
            NotFound: there is no such record.
            Conflict: its status is another one.
        """
        parameters = {**self._changed_columns(changes), "the_id": id}
        statement = self._update
        if expect is not None:
            statement = self._update_expecting
            parameters["expected"] = [str(status) for status in expect]
        changed = self._one(statement, parameters)
        if changed is None:
            raise self._conflict(self.get(id))
        return changed

    def _changed_columns(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns that ``changes`` of the domain's fields change."""
        unknown = changes.keys() - self.value.model_fields.keys()
        if unknown or not changes:
            raise TypeError(f"A {self.noun} has no field to change named {sorted(unknown)}.")
        return {name: plain(value) for name, value in changes.items()}

    def _row(self, value: V) -> dict[str, Any]:
        """Return the columns of a value."""
        return {name: plain(getattr(value, name)) for name in self.value.model_fields}

    def _one(self, statement: Prepared, parameters: Mapping[str, Any]) -> V | None:
        return next((self.value.model_validate(row) for row in statement.rows(self.connection, parameters)), None)

    def _all(self, statement: Prepared | sa.Executable, parameters: Mapping[str, Any] | None = None) -> list[V]:
        """Return what a statement finds; one that is made for the occasion is not worth preparing."""
        if isinstance(statement, Prepared):
            return [self.value.model_validate(row) for row in statement.rows(self.connection, parameters or {})]
        return [self.value.model_validate(row._asdict()) for row in self.connection.execute(statement, parameters)]

    def _not_found(self, id: str) -> NotFound:  # noqa: A002
        return NotFound(f"There is no {self.noun} {short(id)}.")

    def _conflict(self, current: V) -> Conflict:
        """Return the error that says what the record has become."""
        status = str(current.status).replace("_", " ")  # type: ignore[attr-defined]
        return Conflict(f"This {self.noun} is {status} by now, so nothing was changed.")


def plain(value: Any) -> Any:
    """Return a field's value as its column takes it; the column types see to times and amounts."""
    if type(value) in _TAKEN_AS_IT_IS:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel | Mapping | Sequence) and not isinstance(value, str):
        return to_jsonable_python(value)
    return value


def short(id: str) -> str:  # noqa: A002
    """Return an id for a sentence; an id that somebody made up may be of any length."""
    return id if len(id) <= 64 else f"{id[:64]}…"  # noqa: PLR2004 - ours are shorter


def like(text: str) -> str:
    """Return the pattern that finds ``text`` anywhere, its own wildcards taken literally."""
    escaped = text.replace(LIKE_ESCAPE, LIKE_ESCAPE * 2).replace("%", f"{LIKE_ESCAPE}%").replace("_", f"{LIKE_ESCAPE}_")
    return f"%{escaped}%"


def says(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Return the condition that the column holds ``text``, upper and lower case alike in every language."""
    folded = FoldedAscii(column) if text.isascii() else Folded(column)
    return folded.like(like(text.lower()), escape=LIKE_ESCAPE)


def add_rows(
    connection: Connection, table: sa.Table, rows: dict[str, Any] | list[dict[str, Any]], *, noun: str
) -> None:
    """Insert a row, a dictionary of its columns, or a list of them.

    Raises:
        Conflict: a unique field is taken, or a row belongs to a record that does not exist.
    """
    try:
        _insert(table).run(connection, rows)
    except IntegrityError:
        # The database's own text names the values, which may be a customer's.
        raise Conflict(
            f"The {noun} cannot be added: it is already there, or belongs to a record that does not exist."
        ) from None


@cache
def _insert(table: sa.Table) -> Prepared:
    return Prepared(sa.insert(table).inline())


@cache
def upsert(table: sa.Table, dialect: str) -> Prepared:
    """Return the statement that adds a row or replaces the one with the same primary key."""
    statement = _insert_of(dialect)(table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return Prepared(statement.on_conflict_do_update(index_elements=keys, set_=others))


@cache
def insert_once(table: sa.Table, unique: tuple[str, ...], dialect: str) -> Prepared:
    """Return the statement that adds a row unless one has the same values in the ``unique`` columns."""
    return Prepared(_insert_of(dialect)(table).on_conflict_do_nothing(index_elements=list(unique)))


@cache
def _select_by(table: sa.Table, names: tuple[str, ...]) -> Prepared:
    return Prepared(sa.select(table).where(*(table.c[name] == sa.bindparam(name) for name in names)))


def _insert_of(dialect: str) -> Callable[[sa.Table], sqlite.Insert | postgresql.Insert]:
    """Return the insert that knows "on conflict", which both databases write alike but SQLAlchemy keeps apart."""
    return sqlite.insert if dialect == "sqlite" else postgresql.insert
