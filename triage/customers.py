"""What the company knows of the customer of a run, for the person who decides."""

from __future__ import annotations

from datetime import date

from triage.domain import Account, Order, OrderStatus, Refund, Run, Value
from triage.runs.gateway import Gateway
from triage.team.order_rules import return_until


class Customer(Value):
    """A customer's account and orders, newest order first, with the refunds that were made on them."""

    account: Account | None
    orders: list[Order]
    refunds: list[Refund]


class Check(Value):
    """One fact that speaks for an action or against it."""

    holds: bool
    text: str


class CustomerService:
    """Looks up customers."""

    def __init__(self, records: Gateway) -> None:
        self._records = records

    def of_run(self, run: Run) -> Customer:
        """Return the customer of a run, found by the account and by the address."""
        with self._records.read() as tx:
            account: Account | None = tx.accounts.find(run.account_id) if run.account_id else None
            if account is None and run.customer_email:
                account = tx.accounts.find_by_email(run.customer_email)
            orders: list[Order] = tx.orders.list_by_email(run.customer_email) if run.customer_email else []
            refunds: list[Refund] = [refund for order in orders for refund in tx.orders.refunds(order.id)]
        return Customer(account=account, orders=orders, refunds=refunds)


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
