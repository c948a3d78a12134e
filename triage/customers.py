"""What speaks for a refund and against it, for the person who decides."""

from __future__ import annotations

from datetime import date

from triage.domain import Order, OrderStatus, Refund, Value
from triage.team.order_rules import return_until


class Check(Value):
    """One fact that speaks for an action or against it."""

    holds: bool
    text: str


def refund_checks(order: Order | None, *, refunds: list[Refund], today: date) -> list[Check]:
    """Return what speaks for and against refunding an order of the customer; None is an order that they do not have."""
    if order is None:
        return [Check(holds=False, text="no such order of this customer")]
    is_delivered = order.status is OrderStatus.DELIVERED
    last_day = return_until(order)
    in_time = last_day is not None and today <= last_day
    window = f"return {'until' if in_time else 'ended'} {last_day.day} {last_day:%b}" if last_day else "delivered when?"
    earlier = [refund for refund in refunds if refund.order_id == order.id]
    is_refunded = bool(earlier) or order.status is OrderStatus.REFUNDED
    return [
        Check(holds=True, text="order belongs to the customer"),
        Check(holds=is_delivered, text=f"order is {order.status.value}"),
        Check(holds=in_time, text=window),
        Check(holds=not is_refunded, text="refunded before" if is_refunded else "not refunded before"),
    ]
