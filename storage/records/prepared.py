"""Statements that are run again and again, on SQLite without most of what SQLAlchemy does around each of them.

SQLAlchemy takes 60 to 150 microseconds for what SQLite does in ten: it wraps each result, and compiles an "on conflict"
anew each time. A prepared statement is compiled once, by SQLAlchemy, and its values pass the column types in and out
as always. On other databases SQLAlchemy runs it like any other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

Parameters = Mapping[str, Any]
_Process = Callable[[Any], Any] | None
_NONE: Parameters = {}
# Each length of a list is an SQL text of its own, and long ones are rare.
_LONGEST_LIST = 64


class Prepared:
    """A statement with names for its values; where a list of values is one of them, it expands."""

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        # By the names of the parameters, because an insert or update has the columns that it is given.
        self._compiled: dict[tuple[str, ...], _Compiled] = {}

    def rows(self, connection: Connection, parameters: Parameters = _NONE) -> list[dict[str, Any]]:
        """Return the rows by column name."""
        if (compiled := self._for(connection, parameters)) is None:
            return [row._asdict() for row in connection.execute(self.statement, parameters)]
        found = on_driver(connection, compiled.sql(parameters), compiled.values(parameters)).fetchall()
        return [compiled.row(values) for values in found]

    def run(self, connection: Connection, parameters: Parameters | Sequence[Parameters] = _NONE) -> int:
        """Change rows and return how many; with several parameters, all of the same names, once for each of them."""
        several = [parameters] if isinstance(parameters, Mapping) else parameters
        if (compiled := self._for(connection, several[0])) is None:
            counted = {"preserve_rowcount": True}
            return connection.execute(self.statement, parameters, execution_options=counted).rowcount
        return on_driver(connection, compiled.sql(several[0]), *map(compiled.values, several)).rowcount

    def _for(self, connection: Connection, parameters: Parameters) -> _Compiled | None:
        """Return the statement for parameters of such names, or None where SQLAlchemy has to run it."""
        if connection.dialect.name != "sqlite":
            return None
        names = tuple(parameters)
        if (compiled := self._compiled.get(names)) is None:
            compiled = self._compiled[names] = _Compiled(self.statement, names, connection.dialect)
        return compiled if all(0 < len(parameters[name]) <= _LONGEST_LIST for name in compiled.lists) else None


def on_driver(connection: Connection, sql: str, *values: Sequence[Any]) -> sqlite3.Cursor:
    """Run a statement on SQLite's driver, once for each of ``values``; its errors are SQLAlchemy's."""
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.dbapi_connection
    try:
        cursor: sqlite3.Cursor = driver.executemany(sql, values) if len(values) > 1 else driver.execute(sql, *values)
    except sqlite3.Error as error:
        raise DBAPIError.instance(
            sql, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    return cursor


class _Compiled:
    """The SQL of a statement, and how values get in and out."""

    def __init__(self, statement: Any, names: Sequence[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        self.lists: list[str] = []
        self._sql = str(compiled)
        self._sql_by_lengths: dict[tuple[int, ...], str] = {}
        # Of each place in the SQL: the parameter's name, or its constant value, and what makes a column's value of it.
        self._places: list[tuple[str | None, Any, _Process]] = []
        for name in compiled.positiontup:
            self._add_place(name, compiled.binds[name], names, dialect)
        columns = getattr(statement, "exported_columns", ())
        self._columns = [column.key for column in columns]
        outs = ((column.key, column.type.dialect_impl(dialect).result_processor(dialect, None)) for column in columns)
        self._outs = [(key, out) for key, out in outs if out is not None]

    def sql(self, parameters: Parameters) -> str:
        """Return the SQL text for these parameters."""
        if not self.lists:
            return self._sql
        lengths = tuple(len(parameters[name]) for name in self.lists)
        if (sql := self._sql_by_lengths.get(lengths)) is None:
            sql = self._sql
            for name, length in zip(self.lists, lengths, strict=True):
                sql = _with_list(sql, name, length)
            self._sql_by_lengths[lengths] = sql
        return sql

    def values(self, parameters: Parameters) -> list[Any]:
        """Return the values for the places of the SQL."""
        values: list[Any] = []
        for name, constant, process in self._places:
            if name in self.lists:
                values += parameters[name] if process is None else map(process, parameters[name])
            elif name is None:
                values.append(constant)
            else:
                values.append(parameters[name] if process is None else process(parameters[name]))
        return values

    def row(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return a row as its columns' types have it."""
        row = dict(zip(self._columns, values, strict=True))
        for name, out in self._outs:
            row[name] = out(row[name])
        return row

    def _add_place(self, name: str, bind: Any, names: Sequence[str], dialect: Dialect) -> None:
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if bind.key in names:
            self._places.append((bind.key, None, process))
            if bind.expanding:
                self.lists.append(bind.key)
            return
        if bind.required:
            raise TypeError(f"The statement has no value for {bind.key}.")
        constants = bind.effective_value if bind.expanding else [bind.effective_value]
        self._places += [(None, constant if process is None else process(constant), None) for constant in constants]
        if bind.expanding:
            self._sql = _with_list(self._sql, name, len(constants))


def _with_list(sql: str, name: str, length: int) -> str:
    """Return the SQL with places for a list, for which SQLAlchemy leaves a mark until it is run."""
    mark = f"(__[POSTCOMPILE_{name}])"
    if mark not in sql:
        raise TypeError(f"The statement cannot be prepared: its list {name} is not where it should be.")
    return sql.replace(mark, f"({', '.join('?' * length)})")
