"""The records: conversations, runs, approvals, tickets, accounts, orders, in SQLite or PostgreSQL."""

from __future__ import annotations

from storage.records.database import Records, open_engine
from storage.records.stores import Stores

__all__ = ["Records", "Stores", "open_engine"]
