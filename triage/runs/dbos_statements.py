"""Lets DBOS compile its statements once on SQLite too.

DBOS compiles what it writes at the start and end of each workflow once on PostgreSQL, and on SQLite each time anew,
which takes as long as the rest of what it does there. This puts another method in the place of the one that does so;
DBOS's version is pinned, and a test fails when nothing comes through here any more (docs/decisions/0015).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def compile_once(dbos: Any) -> PreparedOnce | None:
    """Set this for a launched DBOS and return what does it; None on other databases, where DBOS does it by itself."""
    database = dbos._sys_db  # noqa: SLF001 - see above
    if database.engine.dialect.name != "sqlite":
        return None
    prepared = database._execute_prepared = PreparedOnce(database.engine)  # noqa: SLF001
    return prepared


class PreparedOnce:
    """Runs statements by name; DBOS builds one of a name the same way for the same columns."""

    def __init__(self, engine: Any) -> None:
        self._dialect = engine.dialect
        self._schemas = engine.get_execution_options()["schema_translate_map"]
        self.kept: dict[tuple[str, ...], tuple[str, list[Callable[[Mapping[str, Any]], Any]]]] = {}

    def __call__(
        self,
        connection: Any,
        name: str,
        values: Mapping[str, Any],
        build: Callable[[], Any],
        *,
        insert_columns: bool = True,  # noqa: ARG002 - all of DBOS's statements on SQLite are of this kind
    ) -> Any:
        """Run the statement that ``build`` returns with these columns."""
        key = (name, *values)
        if key not in self.kept:
            compiled = build().compile(
                dialect=self._dialect,
                column_keys=list(values),
                schema_translate_map=self._schemas,
                render_schema_translate=True,
            )
            places = [_place(compiled.binds[place], values, self._dialect) for place in compiled.positiontup]
            self.kept[key] = str(compiled), places
        sql, places = self.kept[key]
        return connection.exec_driver_sql(sql, tuple(place(values) for place in places))


def _place(bind: Any, values: Mapping[str, Any], dialect: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Return what finds the value of one place in the SQL."""
    process = bind.type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)
    if bind.key in values:
        return lambda given: process(given[bind.key])
    constant = process(bind.effective_value)
    return lambda _given: constant
