"""Column types that give back exactly what was stored, on SQLite as on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite knows no time zones and gets the UTC wall clock, which sorts as text."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware time into what the database keeps; a naive one is refused because its meaning is unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a time zone cannot be stored.")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time aware and in UTC, whatever time zone the connection has."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount; SQLite has only floating point numbers and gets the digits as text."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type that keeps every digit."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Turn the amount into what the database keeps."""
        if value is None:
            return None
        return f"{value:f}" if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the amount as it was stored."""
        return None if value is None else Decimal(value)


class Folded(FunctionElement[str]):
    """The text in lower case, in every language; ``open_engine`` teaches SQLite the function."""

    name = "folded"
    type = sa.Text()
    inherit_cache = True


@compiles(Folded, "sqlite")
def _folded_on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"unicode_lower({compiler.process(element.clauses, **options)})"


class FoldedAscii(FunctionElement[str]):
    """The text for a comparison by LIKE with lower case ASCII, which on SQLite knows upper from lower case by itself.

    To ask Python's function about each row takes three times as long.
    """

    name = "folded_ascii"
    type = sa.Text()
    inherit_cache = True


@compiles(FoldedAscii, "sqlite")
def _as_it_is(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(FoldedAscii)
@compiles(Folded)
def _folded_elsewhere(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


# An absent value is NULL in SQL, never the JSON word null. On PostgreSQL this is json and not jsonb, because jsonb
# refuses the character U+0000 and half surrogates, and both turn up in what models and customers write.
Json = sa.JSON(none_as_null=True)
