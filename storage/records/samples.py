"""Loading and removing the sample records."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.customers import AccountStore, OrderStore
from storage.records.notes import NoteStore
from storage.records.sample_records import sample_accounts, sample_orders
from storage.records.schema import accounts, orders

LOADED = "samples.loaded"
REMOVED = "samples.removed"


class SampleStore:
    """The sample accounts and orders among the real ones."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._accounts = AccountStore(connection)
        self._orders = OrderStore(connection)
        self._notes = NoteStore(connection)

    def load(self, now: datetime) -> int:
        """Add the samples, dated back from ``now``, and return how many were added.

        Does nothing where they were loaded or removed before. A real record with the id of a sample stays as it is.
        """
        if self._notes.get(LOADED) is not None or self._notes.get(REMOVED) is not None:
            return 0
        new_accounts = [account for account in sample_accounts(now) if self._accounts.find(account.id) is None]
        new_orders = [order for order in sample_orders(now) if self._orders.find(order.id) is None]
        for account in new_accounts:
            self._accounts.add(account)
        for order in new_orders:
            self._orders.add(order)
        self._notes.put(LOADED, now.isoformat())
        return len(new_accounts) + len(new_orders)

    def remove(self) -> int:
        """Delete the samples for good, with their invoices and refunds; return how many accounts and orders went."""
        removed = 0
        for table in (orders, accounts):
            removed += self.connection.execute(sa.delete(table).where(table.c.is_sample)).rowcount
        self._notes.put(REMOVED, "by a person")
        return removed

    def count(self) -> int:
        """Count the sample accounts and orders that are there."""
        counts = (sa.select(sa.func.count()).where(table.c.is_sample) for table in (accounts, orders))
        return sum(self.connection.scalar(count) or 0 for count in counts)
