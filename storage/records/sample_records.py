"""The sample accounts and orders of the invented company Fennel: project planning software and a small hardware shop.

Everything is dated back from the day of loading, so that "delivered nine days ago" stays true. All addresses are under
names that are reserved for examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from triage.domain import Account, Invoice, Order, OrderStatus

INVOICE_EVERY_DAYS = 30


@dataclass(frozen=True)
class _Account:
    """An account as it is written below; ``invoices`` has a letter for each, newest first, one a month."""

    number: int
    name: str
    email: str
    plan: str
    status: str
    seats: int
    age_days: int
    amount: str
    newest_invoice_days: int
    invoices: str


@dataclass(frozen=True)
class _Order:
    """An order as it is written below; times are days before the loading."""

    id: str
    email: str
    product: str
    quantity: int
    total: str
    status: OrderStatus
    ordered_days: int
    tracking: str | None = None
    delivered_days: int | None = None


_ACCOUNTS = (
    _Account(1042, "Northwind", "dana@northwind.example", "Team", "active", 14, 812, "168.00", 31, "pppp"),
    _Account(1043, "Alder & Finch", "sam@alderfinch.example", "Business", "active", 38, 640, "760.00", 4, "opp"),
    _Account(1044, "Brightwater", "it@brightwater.example", "Enterprise", "active", 210, 1105, "5250.00", 12, "pppppp"),
    _Account(1045, "Cobalt Studio", "mira@cobaltstudio.example", "Team", "past_due", 9, 388, "108.00", 6, "ffpp"),
    _Account(1046, "Dovetail Joinery", "tom@dovetail.example", "Free", "active", 3, 95, "0.00", 2, "ppp"),
    _Account(1047, "Eastgate School", "it@eastgate.example", "Business", "suspended", 52, 930, "1040.00", 24, "vvvp"),
    _Account(1048, "Foxglove Media", "li@foxglove.example", "Team", "active", 21, 274, "252.00", 9, "pfpp"),
    _Account(1049, "Granite", "ops@granite.example", "Enterprise", "past_due", 340, 1460, "8500.00", 18, "vpppp"),
    _Account(1050, "Harbor Lights", "noor@harborlights.example", "Free", "cancelled", 1, 505, "0.00", 150, "ppp"),
    _Account(1051, "Iris Robotics", "jonas@irisrobotics.example", "Business", "active", 46, 198, "920.00", 1, "oppp"),
    _Account(1052, "Alice Marten", "alice@example.com", "Team", "active", 1, 430, "12.00", 15, "ppp"),
    _Account(1053, "Juniper Works", "elif@juniper.example", "Team", "cancelled", 6, 720, "72.00", 61, "fpp"),
)
_INVOICE_STATUSES = {"p": "paid", "o": "open", "f": "failed", "v": "overdue"}

_PROCESSING, _SHIPPED = OrderStatus.PROCESSING, OrderStatus.SHIPPED
_DELIVERED, _REFUNDED = OrderStatus.DELIVERED, OrderStatus.REFUNDED
_ORDERS = (
    _Order("1", "alice@example.com", "Wireless Keyboard", 1, "79.99", _SHIPPED, 3, "FNL-48213377"),
    _Order("2", "alice@example.com", "USB-C Hub", 2, "69.98", _DELIVERED, 13, "FNL-48190264", 9),
    _Order("3", "bob@example.com", "Standing Desk Mat", 1, "54.50", _PROCESSING, 1),
    _Order("4", "carol@example.com", "Noise-Cancelling Headset", 1, "199.99", _DELIVERED, 21, "FNL-48155920", 17),
    _Order("5", "dana@northwind.example", "Meeting Room Webcam", 2, "258.00", _SHIPPED, 5, "FNL-48207718"),
    _Order("6", "bob@example.com", "Laptop Stand", 1, "39.90", _REFUNDED, 47, "FNL-48070441", 42),
    _Order("7", "sam@alderfinch.example", "Wall Planner, A0", 4, "71.80", _DELIVERED, 34, "FNL-48112606", 30),
    _Order("8", "mira@cobaltstudio.example", "Wireless Keyboard", 3, "239.97", _PROCESSING, 2),
    _Order("9", "tom@dovetail.example", "Sticky Index Cards, 500", 2, "17.98", _DELIVERED, 75, "FNL-47988153", 70),
    _Order("10", "ops@granite.example", "Rugged Tablet Case", 25, "1123.75", _SHIPPED, 4, "FNL-48210902"),
    _Order("11", "carol@example.com", "USB-C Hub", 1, "34.99", _REFUNDED, 88, "FNL-47942087", 83),
    _Order("12", "jonas@irisrobotics.example", "Conference Speaker", 1, "149.00", _DELIVERED, 10, "FNL-48198845", 6),
)


def sample_accounts(now: datetime) -> list[Account]:
    """Return the sample accounts with their invoices, as they stand on the day ``now``."""
    return [
        Account(
            id=f"A-{written.number}",
            name=written.name,
            email=written.email,
            plan=written.plan,
            status=written.status,
            seats=written.seats,
            created_at=now - timedelta(days=written.age_days),
            invoices=_invoices(written, now),
            is_sample=True,
        )
        for written in _ACCOUNTS
    ]


def sample_orders(now: datetime) -> list[Order]:
    """Return the sample orders, as they stand on the day ``now``."""
    return [
        Order(
            id=written.id,
            customer_email=written.email,
            product=written.product,
            quantity=written.quantity,
            total_usd=Decimal(written.total),
            status=written.status,
            tracking_number=written.tracking,
            created_at=now - timedelta(days=written.ordered_days),
            delivered_at=None if written.delivered_days is None else now - timedelta(days=written.delivered_days),
            is_sample=True,
        )
        for written in _ORDERS
    ]


def _invoices(written: _Account, now: datetime) -> list[Invoice]:
    return [
        Invoice(
            number=f"INV-{written.number}-{len(written.invoices) - months:02}",
            issued_at=now - timedelta(days=written.newest_invoice_days + INVOICE_EVERY_DAYS * months),
            amount_usd=Decimal(written.amount),
            status=_INVOICE_STATUSES[letter],
        )
        for months, letter in enumerate(written.invoices)
    ]
