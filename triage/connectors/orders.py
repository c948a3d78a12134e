"""Where orders are looked up and refunds kept: in the records, or in a database of the company that is only read.

A refund of an order there is kept in our records, once for each order, and told by the notice ``refund.approved``; who
pays does so on that notice. Nothing is ever written into the other database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from triage.connectors.threads import off_loop
from triage.domain import Order, OrderStatus, Refund
from triage.errors import Conflict, OutsideUnavailable, ToolError
from triage.gateway import Gateway, Stores
from triage.notices.outbox import notify_refund

_REFUNDED_ALREADY = "This order was refunded already, so it cannot be refunded again."


class OrderSource(Protocol):
    """Orders of another database; both raise OutsideUnavailable where it does not answer."""

    def find(self, order_id: str) -> Order | None:
        """Return the order or None."""

    def list_by_email(self, email: str) -> list[Order]:
        """Return the orders of an address, upper and lower case alike."""

    def close(self) -> None:
        """Close every connection."""


class OrderBook:
    """The orders that the desk knows; ``source`` is another database in which they are looked up instead."""

    def __init__(self, records: Gateway, *, source: OrderSource | None = None) -> None:
        self._records = records
        self._source = source

    @property
    def is_outside(self) -> bool:
        """Whether orders are looked up in another database."""
        return self._source is not None

    def find(self, order_id: str) -> Order | None:
        """Return the order or None.

        Raises:
            OutsideUnavailable: the other database does not answer.
        """
        if self._source is None:
            with self._records.read() as tx:
                return tx.orders.find(order_id)
        found = self._source.find(order_id)
        return self._with_refunds([found])[0] if found else None

    def list_by_email(self, email: str) -> list[Order]:
        """Return the orders of an address, newest first where that is known.

        Raises:
            OutsideUnavailable: the other database does not answer.
        """
        if self._source is None:
            with self._records.read() as tx:
                return tx.orders.list_by_email(email)
        return self._with_refunds(self._source.list_by_email(email))

    def refunds(self, order_ids: list[str]) -> list[Refund]:
        """Return the refunds of orders that the desk has agreed to, oldest first."""
        with self._records.read() as tx:
            return self._refunds(tx, order_ids)

    async def named_in(self, arguments: Mapping[str, Any]) -> Order | None:
        """Return the order that a call names; None also where it cannot be looked up now."""
        order_id = arguments.get("order_id")
        if not isinstance(order_id, str):
            return None
        try:
            return await off_loop(lambda: self.find(order_id)) if self.is_outside else self.find(order_id)
        except OutsideUnavailable:
            return None

    def refund(self, order: Order, refund: Refund, *, conversation_id: str) -> Refund:
        """Keep a refund and tell of it; of two runs that refund the same order at the same instant one is refused.

        Raises:
            ToolError: the order was refunded already.
        """
        try:
            with self._records.begin() as tx:
                if self._source is None:
                    tx.orders.update(order.id, expect=(OrderStatus.DELIVERED,), status=OrderStatus.REFUNDED)
                    kept = tx.orders.add_refund(refund)
                else:
                    kept = tx.outside_refunds.add(refund)
                if kept is refund:
                    notify_refund(tx, refund, conversation_id=conversation_id, is_outside=self.is_outside)
        except Conflict:
            raise ToolError(_REFUNDED_ALREADY) from None
        return kept

    def close(self) -> None:
        """Close the connections to the other database."""
        if self._source is not None:
            self._source.close()

    def _refunds(self, tx: Stores, order_ids: list[str]) -> list[Refund]:
        if self._source is not None:
            return tx.outside_refunds.list(order_ids)
        return [refund for order_id in order_ids for refund in tx.orders.refunds(order_id)]

    def _with_refunds(self, orders: list[Order]) -> list[Order]:
        """Return orders of the other database as the desk knows them: what was refunded here is refunded."""
        done = {refund.order_id for refund in self.refunds([order.id for order in orders])}
        return [
            order.model_copy(update={"status": OrderStatus.REFUNDED}) if order.id in done else order for order in orders
        ]
