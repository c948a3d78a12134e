"""What may be done with an order, as pure rules; each refusal is a sentence that the model can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from triage.connectors.orders import OrderBook
from triage.domain import Order, OrderStatus, Refund
from triage.errors import ToolError
from triage.team.context import TriageContext

RETURN_WINDOW = timedelta(days=30)
_ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")
_NO_EMAIL = (
    "The customer's email address is not known, so no order can be looked up or changed. Ask the customer to write "
    "from the address that the order was placed with."
)
_NOT_THEIRS = (
    "There is no order with this id for this customer. Ask for the order number and to write from the address that the "
    "order was placed with; do not try other ids."
)


def read_order_id(text: str) -> str:
    """Return the order id in ``text``, without a leading number sign.

    Raises:
        ToolError: it is not an order id.
    """
    order_id = text.strip().removeprefix("#").strip()
    if not _ORDER_ID.fullmatch(order_id):
        raise ToolError(
            "This is not an order id: one has only letters, digits and hyphens, for example 2. Ask the customer for "
            "the order number, or list their orders with find_orders."
        )
    return order_id


def own_order(orders: OrderBook, context: TriageContext, order_id: str) -> Order:
    """Return the customer's own order; somebody else's order reads exactly like one that does not exist.

    Raises:
        ToolError: the id is malformed, no address is known, or the customer has no such order.
    """
    wanted = read_order_id(order_id)
    if context.customer_email is None:
        raise ToolError(_NO_EMAIL)
    order = orders.find(wanted)
    if order is None or not context.is_customer(order.customer_email):
        raise ToolError(_NOT_THEIRS)
    return order


def own_email(context: TriageContext, email: str) -> str:
    """Return the customer's address when ``email`` is it.

    Raises:
        ToolError: no address is known, or it is another one.
    """
    if context.customer_email is None:
        raise ToolError(_NO_EMAIL)
    if not context.is_customer(email):
        raise ToolError(
            "Orders can be listed only for the customer's own address, the one in the customer block. For orders under "
            "another address the customer has to write from that address."
        )
    return context.customer_email


def refund_window() -> str:
    """Return the rule on when an order can be refunded, for the instructions."""
    return (
        f"A delivered order can be refunded within {RETURN_WINDOW.days} days of its delivery, in full and once; after "
        "that, and for an order that is still processing, a person decides what is done."
    )


def return_until(order: Order) -> date | None:
    """Return the last day on which a delivered order can be refunded."""
    return order.delivered_at.date() + RETURN_WINDOW if order.delivered_at else None


def check_refundable(order: Order, *, refunds: Sequence[Refund], today: date) -> None:
    """Refuse a refund that the rules do not allow.

    Raises:
        ToolError: the order is processing, on its way, already refunded, or outside its 30 days.
    """
    if order.status is OrderStatus.REFUNDED or refunds:
        raise ToolError("This order has already been refunded. Tell the customer so; no second refund is possible.")
    if order.status is OrderStatus.PROCESSING:
        raise ToolError(
            "This order is still processing, so it cannot be refunded; it can be cancelled instead. Say that a person "
            "looks after the cancellation, and set requires_human."
        )
    if order.status is OrderStatus.SHIPPED:
        raise ToolError(
            "This order is on its way and cannot be refunded yet. The customer can return it after it has arrived."
        )
    last_day = return_until(order)
    if last_day is None:
        raise ToolError(
            "The day of delivery of this order is not known. Set requires_human so that a person looks at it."
        )
    if today > last_day:
        raise ToolError(
            f"The {RETURN_WINDOW.days} days for a return ended on {last_day.isoformat()}. Say so kindly; a person can "
            "look at the warranty, so set requires_human."
        )
