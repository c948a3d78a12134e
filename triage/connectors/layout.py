"""How orders lie in another database: reads the setting that says it."""

from __future__ import annotations

import re

from triage.domain import OrderLayout, OrderStatus

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")
_COLUMNS = (
    "id",
    "customer_email",
    "product",
    "quantity",
    "total",
    "status",
    "tracking_number",
    "created_at",
    "delivered_at",
)
_ONLY_WHEN_NAMED = ("created_at", "delivered_at")
_NO_COLUMN = "-"


def read_layout(text: str | None) -> OrderLayout:
    """Read TRIAGE_ORDERS_MAP: ``table=shop.orders, id=order_no, status.in_transit=shipped``.

    Raises:
        ValueError: a name is none of a table or column, or nothing that can be mapped.
    """
    table, columns, statuses = "orders", {name: name for name in _COLUMNS if name not in _ONLY_WHEN_NAMED}, {}
    for part in (piece.strip() for piece in (text or "").split(",") if piece.strip()):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not sign or not value:
            raise ValueError(f"write name=value, not {part!r}")
        if name.startswith("status."):
            statuses[name.removeprefix("status.").lower()] = _status(value)
        elif name == "table":
            table = _checked(value, parts=2)
        elif name in _COLUMNS and value == _NO_COLUMN and name == "tracking_number":
            del columns[name]
        elif name in _COLUMNS:
            columns[name] = _checked(value)
        else:
            raise ValueError(f"{name!r} cannot be mapped; there are table, {', '.join(_COLUMNS)} and status.WORD")
    return OrderLayout(table=table, columns=columns, statuses=statuses)


def _checked(name: str, *, parts: int = 1) -> str:
    pieces = name.split(".")
    if len(pieces) > parts or not all(_NAME.fullmatch(piece) for piece in pieces):
        raise ValueError(f"{name!r} is no name of a table or column: letters, digits and _ only")
    return name


def _status(word: str) -> OrderStatus:
    try:
        return OrderStatus(word)
    except ValueError:
        raise ValueError(f"{word!r} is no status of an order: {', '.join(OrderStatus)}") from None
