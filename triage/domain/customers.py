"""What is known of customers: subscriptions, and orders of the shop."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import Field

from triage.domain.base import Value


class OrderStatus(StrEnum):
    """Where an order is."""

    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUNDED = "refunded"


class Invoice(Value):
    """One invoice of an account."""

    number: str
    issued_at: datetime
    amount_usd: Decimal
    status: Literal["paid", "open", "overdue", "failed"]


class Account(Value):
    """A customer's subscription."""

    id: str
    name: str
    email: str
    plan: str
    status: Literal["active", "past_due", "suspended", "cancelled"]
    seats: int
    created_at: datetime
    invoices: list[Invoice] = Field(default_factory=list)
    is_sample: bool = False


class Order(Value):
    """An order of the shop; ``created_at`` is None only where another database does not say it."""

    id: str
    customer_email: str
    product: str
    quantity: int
    total_usd: Decimal
    status: OrderStatus
    tracking_number: str | None = None
    created_at: datetime | None = None
    delivered_at: datetime | None = None
    is_sample: bool = False


class OrderLayout(Value):
    """How orders lie in another database: the table, its columns by our names, and what its status words mean."""

    table: str = "orders"
    columns: dict[str, str]
    statuses: dict[str, OrderStatus] = Field(default_factory=dict)


class Refund(Value):
    """A refund that was made; ``call_id`` makes it happen once."""

    id: str
    order_id: str
    run_id: str
    call_id: str
    amount_usd: Decimal
    reason: str
    created_at: datetime
