"""What the company knows of its customers: accounts with invoices, orders with refunds."""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from storage.records.base import Store, add_rows, plain
from storage.records.prepared import Prepared
from storage.records.schema import accounts, invoices, orders, outside_refunds, refunds
from triage.domain import Account, Invoice, Order, OrderStatus, Refund
from triage.errors import Conflict

# Both sides go through the database's own lower(), which the index is built on.
_ACCOUNT_BY_EMAIL = Prepared(
    sa.select(accounts)
    .where(sa.func.lower(accounts.c.email) == sa.func.lower(sa.bindparam("email")))
    .order_by(accounts.c.created_at, accounts.c.id)
    .limit(1)
)
_ACCOUNT_EXISTS = Prepared(sa.select(sa.literal(1)).where(accounts.c.id == sa.bindparam("id")))
_ACCOUNTS = Prepared(sa.select(accounts).order_by(accounts.c.id).limit(sa.bindparam("limit")))
_INVOICES = Prepared(
    sa.select(invoices)
    .where(invoices.c.account_id.in_(sa.bindparam("account_ids", expanding=True)))
    .order_by(invoices.c.issued_at.desc(), invoices.c.number.desc())
)
_ORDERS_BY_EMAIL = Prepared(
    sa.select(orders)
    .where(sa.func.lower(orders.c.customer_email) == sa.func.lower(sa.bindparam("email")))
    .order_by(orders.c.created_at.desc(), orders.c.id)
)
_REFUNDS = Prepared(
    sa.select(refunds)
    .where(refunds.c.order_id == sa.bindparam("order_id"))
    .order_by(refunds.c.created_at, refunds.c.id)
)
_REFUNDS_BY_EMAIL = Prepared(
    sa.select(refunds)
    .join(orders, orders.c.id == refunds.c.order_id)
    .where(sa.func.lower(orders.c.customer_email) == sa.func.lower(sa.bindparam("email")))
    .order_by(refunds.c.created_at, refunds.c.id)
)


class AccountStore(Store[Account]):
    """The accounts, each with its invoices, newest invoice first."""

    table = accounts
    value = Account
    noun = "account"

    def add(self, account: Account) -> None:
        """Keep a new account with its invoices.

        Raises:
            Conflict: its id is taken, or two invoices have the same number.
        """
        self._add(account)
        if account.invoices:
            rows = [_invoice_row(account.id, invoice) for invoice in account.invoices]
            add_rows(self.connection, invoices, rows, noun=self.noun)

    def find_by_email(self, email: str) -> Account | None:
        """Return the oldest account with this address, in upper or lower case, or None."""
        return self._one(_ACCOUNT_BY_EMAIL, {"email": email.strip()})

    def exists(self, id: str) -> bool:  # noqa: A002 - the column's name
        """Return whether there is an account with this id."""
        return bool(_ACCOUNT_EXISTS.rows(self.connection, {"id": id}))

    def list(self, limit: int = 200) -> builtins.list[Account]:
        """Return the accounts by id."""
        return self._read(_ACCOUNTS, {"limit": limit})

    def _row(self, value: Account) -> dict[str, Any]:
        row = super()._row(value)
        del row["invoices"]
        return row

    def _one(self, statement: Prepared, parameters: Mapping[str, Any]) -> Account | None:
        return next(iter(self._read(statement, parameters)), None)

    def _read(self, statement: Prepared, parameters: Mapping[str, Any]) -> builtins.list[Account]:
        rows = statement.rows(self.connection, parameters)
        of_account = self._invoices([row["id"] for row in rows])
        return [Account.model_validate({**row, "invoices": of_account[row["id"]]}) for row in rows]

    def _invoices(self, account_ids: Sequence[str]) -> Mapping[str, builtins.list[dict[str, Any]]]:
        """Return the invoices of all the accounts in one query."""
        of_account: dict[str, builtins.list[dict[str, Any]]] = defaultdict(list)
        if account_ids:
            for row in _INVOICES.rows(self.connection, {"account_ids": account_ids}):
                of_account[row["account_id"]].append(row)
        return of_account


def _invoice_row(account_id: str, invoice: Invoice) -> dict[str, Any]:
    return {"account_id": account_id, **{name: plain(getattr(invoice, name)) for name in Invoice.model_fields}}


_OUTSIDE_REFUNDS = Prepared(
    sa.select(outside_refunds)
    .where(outside_refunds.c.order_id.in_(sa.bindparam("order_ids", expanding=True)))
    .order_by(outside_refunds.c.created_at, outside_refunds.c.id)
)


class _RefundStore(Store[Refund]):
    table = refunds
    value = Refund
    noun = "refund"

    def add(self, refund: Refund) -> Refund:
        return self._add_once(refund, unique=("run_id", "call_id"))

    def list_of_order(self, order_id: str) -> list[Refund]:
        return self._all(_REFUNDS, {"order_id": order_id})

    def list_by_email(self, email: str) -> list[Refund]:
        return self._all(_REFUNDS_BY_EMAIL, {"email": email.strip()})


class OutsideRefundStore(Store[Refund]):
    """Refunds of orders that stand in a database of the company, once for each order."""

    table = outside_refunds
    value = Refund
    noun = "refund"

    def add(self, refund: Refund) -> Refund:
        """Keep a refund and return it; a second one of the same run and call returns the kept one.

        Raises:
            Conflict: the order was refunded by another call.
        """
        try:
            return self._add_once(refund, unique=("run_id", "call_id"))
        except IntegrityError:
            raise Conflict("This order was refunded already.") from None

    def list(self, order_ids: Sequence[str]) -> builtins.list[Refund]:
        """Return the refunds of these orders, oldest first."""
        return self._all(_OUTSIDE_REFUNDS, {"order_ids": order_ids}) if order_ids else []


class OrderStore(Store[Order]):
    """The orders with their refunds."""

    table = orders
    value = Order
    noun = "order"

    def add(self, order: Order) -> None:
        """Keep a new order.

        Raises:
            Conflict: its id is taken.
        """
        self._add(order)

    def update(self, id: str, /, *, expect: Collection[OrderStatus] | None = None, **changes: Any) -> Order:  # noqa: A002
        """Change fields of an order, if its status is one of ``expect``, and return it as it is then.

        Raises:
            NotFound: there is no such order.
            Conflict: its status is another one; nothing is changed.
        """
        return self._change(id, expect=expect, changes=changes)

    def add_refund(self, refund: Refund) -> Refund:
        """Keep a refund and return it; a second one of the same run and call returns the kept one.

        Raises:
            NotFound: there is no such order.
        """
        self.get(refund.order_id)
        return _RefundStore(self.connection).add(refund)

    def list_by_email(self, email: str) -> list[Order]:
        """Return the orders of this address, in upper or lower case, newest first."""
        return self._all(_ORDERS_BY_EMAIL, {"email": email.strip()})

    def refunds(self, order_id: str) -> list[Refund]:
        """Return the refunds of an order, oldest first."""
        return _RefundStore(self.connection).list_of_order(order_id)

    def refunds_by_email(self, email: str) -> list[Refund]:
        """Return the refunds of all orders of this address, oldest first."""
        return _RefundStore(self.connection).list_by_email(email)
