"""What was spent on each day in UTC, added up as runs go on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from storage.records.prepared import Prepared
from storage.records.schema_alerts import spending
from triage.domain import Spent

_NANO = Decimal(10) ** 9
_SUM = sa.select(
    sa.func.coalesce(sa.func.sum(spending.c.cost_nano_usd), 0).label("cost"),
    sa.func.coalesce(sa.func.sum(spending.c.unpriced_calls), 0).label("unpriced"),
).where(spending.c.day >= sa.bindparam("first"), spending.c.day < sa.bindparam("end"))


class SpendingStore:
    """The sums of the days."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, day: date, *, cost_usd: Decimal, unpriced_calls: int) -> None:
        """Add what was spent to a day, in one statement, so that writers cannot undo each other's."""
        if not cost_usd and not unpriced_calls:
            return
        row = {
            "day": day.isoformat(), "cost_nano_usd": round(cost_usd * _NANO), "unpriced_calls": unpriced_calls,
        }  # fmt: skip
        _add_up(self.connection.dialect.name).run(self.connection, row)

    def between(self, first: date, end: date) -> Spent:
        """Return what was spent from ``first`` (included) to ``end`` (not included)."""
        row: Any = self.connection.execute(_SUM, {"first": first.isoformat(), "end": end.isoformat()}).one()
        return Spent(cost_usd=Decimal(int(row.cost)) / _NANO, unpriced_calls=int(row.unpriced))


@cache
def _add_up(dialect: str) -> Prepared:
    insert: Any = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(spending)
    sums = {name: spending.c[name] + insert.excluded[name] for name in ("cost_nano_usd", "unpriced_calls")}
    return Prepared(insert.on_conflict_do_update(index_elements=["day"], set_=sums))
