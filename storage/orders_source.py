"""Orders in a database of the company: looked up, never written.

Each look is a read-only transaction with a time limit over a small pool, so that the desk is a burden to nobody. Names
of tables and columns were checked before and are always quoted; what is looked for is always a parameter. Errors name
neither the address nor what the database said: both may hold secrets.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import ArgumentError, DataError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import NullType

from triage.domain import Order, OrderLayout, OrderStatus
from triage.errors import OutsideUnavailable, SettingsError

TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 3
POOL_SIZE = 4
MAX_ORDERS = 50
# Of how many orders the check reads the status words.
CHECKED_ORDERS = 1000
_CENT = Decimal("0.01")
_PROGRESS_STEPS = 10_000
_AWAY = "The shop's database of orders cannot be read now"

log = structlog.get_logger(__name__)


class OrderDatabase:
    """Reads orders by one layout; one object serves every thread."""

    def __init__(self, url: str, *, layout: OrderLayout, timeout_s: float = TIMEOUT_S) -> None:
        self._engine = _open(url)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._timeout_s = timeout_s
        self._statuses = layout.statuses
        columns: dict[str, sa.ColumnClause[Any]] = {
            name: sa.column(quoted_name(given, quote=True)) for name, given in layout.columns.items()
        }
        schema, _, name = layout.table.rpartition(".")
        table = sa.table(
            quoted_name(name, quote=True),
            *columns.values(),
            schema=quoted_name(schema, quote=True) if schema else None,
        )
        self._columns = {field: table.c[column.name] for field, column in columns.items()}
        chosen = sa.select(*(column.label(field) for field, column in self._columns.items()))
        # Without a type of ours the database compares by its own: the id may be text, a number or a UUID there.
        self._by_id = chosen.where(self._columns["id"] == sa.bindparam("id", type_=NullType())).limit(1)
        newest = self._columns.get("created_at", self._columns["id"]).desc()
        is_theirs = sa.func.lower(self._columns["customer_email"]) == sa.bindparam("email", type_=sa.Text)
        self._by_email = chosen.where(is_theirs).order_by(newest).limit(MAX_ORDERS)
        self._any = chosen.limit(1)
        some = sa.select(self._columns["status"].label("status")).limit(CHECKED_ORDERS).subquery()
        self._words = sa.select(some.c.status).distinct()

    def find(self, order_id: str) -> Order | None:
        """Return the order or None.

        Raises:
            OutsideUnavailable: the database does not answer, or with something that is no order.
        """
        try:
            with self._look() as connection:
                row = connection.execute(self._by_id, {"id": order_id}).mappings().first()
        except (DataError, UnicodeEncodeError):
            # What was looked for cannot be an id there, such as letters where ids are numbers, or half a character.
            return None
        return None if row is None else self._order(dict(row))

    def list_by_email(self, email: str) -> list[Order]:
        """Return the orders of an address, upper and lower case alike, the newest first and no more than 50.

        Raises:
            OutsideUnavailable: the database does not answer, or with something that is no order.
        """
        try:
            with self._look() as connection:
                rows = connection.execute(self._by_email, {"email": email.strip().lower()}).mappings().all()
        except (DataError, UnicodeEncodeError):
            return []
        return [self._order(dict(row)) for row in rows]

    def check(self) -> str:
        """Say whether orders can be read, and which of their status words the desk does not know.

        Raises:
            OutsideUnavailable: they cannot, or there are such words.
        """
        with self._look() as connection:
            row = connection.execute(self._any).mappings().first()
            words = sorted(str(word) for word in connection.scalars(self._words))
        if row is not None:
            self._order({**row, "status": OrderStatus.PROCESSING.value})
        unknown = [word for word in words if self._status(word) is None]
        if unknown:
            raise OutsideUnavailable(
                f"Orders there have a status that the desk does not know: {', '.join(unknown[:10])}. Say what each "
                "means in TRIAGE_ORDERS_MAP, such as status.paid=processing."
            )
        return "Orders can be read from the shop's database."

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _look(self) -> Iterator[Connection]:
        """Open a read-only transaction in which no statement takes longer than the limit."""
        try:
            with self._engine.connect() as connection:
                if self._is_sqlite:
                    ends_at = time.monotonic() + self._timeout_s
                    raw: Any = connection.connection.driver_connection
                    raw.set_progress_handler(lambda: time.monotonic() > ends_at, _PROGRESS_STEPS)
                    yield connection
                    return
                reading = connection.execution_options(postgresql_readonly=True)
                reading.exec_driver_sql(f"set local statement_timeout = {round(self._timeout_s * 1000)}")
                yield reading
        except DataError:
            raise
        except SQLAlchemyError as error:
            log.warning("orders_not_read", error=type(error).__name__)
            raise OutsideUnavailable(f"{_AWAY} ({type(error).__name__}).") from None

    def _order(self, row: dict[str, Any]) -> Order:
        status = self._status(str(row["status"]))
        if status is None:
            raise OutsideUnavailable(
                "The order has a status there that the desk does not know; TRIAGE_ORDERS_MAP has to say what it means."
            )
        tracking = row.get("tracking_number")
        try:
            return Order(
                id=str(row["id"]),
                customer_email=str(row["customer_email"] or ""),
                product=str(row["product"]),
                quantity=int(row["quantity"]),
                total_usd=_money(row["total"]),
                status=status,
                tracking_number=str(tracking) if tracking is not None else None,
                created_at=_moment(row.get("created_at")),
                delivered_at=_moment(row.get("delivered_at")),
            )
        except (TypeError, ValueError, InvalidOperation):
            raise OutsideUnavailable(
                "The order cannot be read as it stands there; TRIAGE_ORDERS_MAP may name a wrong column."
            ) from None

    def _status(self, word: str) -> OrderStatus | None:
        small = word.strip().lower()
        if small in self._statuses:
            return self._statuses[small]
        return OrderStatus(small) if small in set(OrderStatus) else None


def _open(url: str) -> Engine:
    """Open the database without connecting.

    Raises:
        SettingsError: the URL is none, or names a database that has no driver here.
    """
    try:
        parsed = sa.make_url(url)
        dialect = parsed.get_dialect().name
    except (ArgumentError, NoSuchModuleError, ImportError):
        dialect = None
    pool: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": POOL_SIZE, "pool_timeout": TIMEOUT_S}
    if dialect == "postgresql":
        more = {"connect_args": {"connect_timeout": CONNECT_TIMEOUT_S}, "pool_pre_ping": True, "pool_recycle": 300}
        return sa.create_engine(parsed, hide_parameters=True, **pool, **more)
    if dialect == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        # Opened by a URI, because only that can say that nothing is written and no file is made.
        place = f"file:{quote(str(Path(str(parsed.database)).resolve()))}"
        read_only = sa.URL.create("sqlite", database=place, query={"mode": "ro", "uri": "true"})
        return sa.create_engine(read_only, hide_parameters=True, connect_args={"timeout": CONNECT_TIMEOUT_S}, **pool)
    raise SettingsError(
        "TRIAGE_ORDERS_URL cannot be used: write sqlite:///path/to/file.db or postgresql+psycopg://user@host/name."
    )


def _money(value: Any) -> Decimal:
    amount = Decimal(str(value).strip())
    if not amount.is_finite():
        raise ValueError("not an amount")
    return amount.quantize(_CENT) if isinstance(value, float) else amount


def _moment(value: Any) -> datetime | None:
    """Return a time as it is kept there; without a time zone it is UTC, without a time the day's beginning."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise TypeError("not a time")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
