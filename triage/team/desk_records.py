"""What the team needs of the records, so that it does not know how they are stored."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Any, Protocol

from triage.domain import Account, Escalation, Order, OrderStatus, Refund, Ticket


class AccountRecords(Protocol):
    """Customers' subscriptions."""

    def find(self, account_id: str, /) -> Account | None:
        """Return the account or None."""

    def find_by_email(self, email: str, /) -> Account | None:
        """Return the account of an address, upper and lower case alike, or None."""


class OrderRecords(Protocol):
    """Orders of the shop and their refunds."""

    def find(self, order_id: str, /) -> Order | None:
        """Return the order or None."""

    def list_by_email(self, email: str, /) -> list[Order]:
        """Return the orders of an address, upper and lower case alike."""

    def update(self, order_id: str, /, *, expect: Collection[OrderStatus] | None = None, **changes: Any) -> Order:
        """Change an order and return it."""

    def add_refund(self, refund: Refund, /) -> Refund:
        """Keep a refund; the same run and call again returns the kept one."""

    def refunds(self, order_id: str, /) -> list[Refund]:
        """Return the refunds of an order."""


class TicketRecords(Protocol):
    """Work for people."""

    def add(self, ticket: Ticket, /) -> Ticket:
        """Keep a ticket; the same run and call again returns the kept one."""


class EscalationRecords(Protocol):
    """Conversations handed to people."""

    def add(self, escalation: Escalation, /) -> Escalation:
        """Keep an escalation; a second one of the same run and author returns the kept one."""


class DeskStores(Protocol):
    """The stores inside one transaction."""

    @property
    def accounts(self) -> AccountRecords:
        """Customers' subscriptions."""

    @property
    def orders(self) -> OrderRecords:
        """Orders and refunds."""

    @property
    def tickets(self) -> TicketRecords:
        """Tickets."""

    @property
    def escalations(self) -> EscalationRecords:
        """Escalations."""


class DeskRecords(Protocol):
    """Opens transactions on the records."""

    def begin(self) -> AbstractContextManager[DeskStores]:
        """Open one write transaction."""

    def read(self) -> AbstractContextManager[DeskStores]:
        """Open one read-only transaction."""
