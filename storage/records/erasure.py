"""Finds and removes what the records hold of one customer, by their e-mail address."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import LIKE_ESCAPE, like
from storage.records.removal import pieces, remove_conversations, remove_of_runs
from storage.records.schema import accounts, conversations, messages, orders, outside_refunds, refunds, runs
from storage.records.schema_control import audit_log
from triage.domain import FINAL_RUN_STATUSES, CustomerRecords

ERASED = "erased"
_FINAL = [status.value for status in FINAL_RUN_STATUSES]


class ErasureStore:
    """One customer's records; ``email`` is in small letters throughout."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def find(self, email: str) -> CustomerRecords:
        """Return which records are this customer's: whole conversations, and runs that name the address."""
        in_conversations = sa.select(conversations.c.id).where(_same(conversations.c.customer_email, email))
        found = self.connection.execute(
            sa.select(runs.c.id, runs.c.trace_id, runs.c.status, runs.c.conversation_id).where(
                _same(runs.c.customer_email, email) | runs.c.conversation_id.in_(in_conversations)
            )
        ).all()
        ids = dict.fromkeys(self.connection.scalars(in_conversations))
        ids.update(dict.fromkeys(row.conversation_id for row in found))
        return CustomerRecords(
            conversation_ids=tuple(ids),
            run_ids=tuple(row.id for row in found),
            trace_ids=tuple(row.trace_id for row in found),
            open_run_ids=tuple(row.id for row in found if row.status not in _FINAL),
        )

    def remove(self, found: CustomerRecords) -> Counter[str]:
        """Remove these records; refunds stay, without the reason that was given."""
        removed: Counter[str] = Counter()
        for ids in pieces(found.run_ids):
            for table in (refunds, outside_refunds):
                said = sa.update(table).where(table.c.run_id.in_(ids), table.c.reason != ERASED).values(reason=ERASED)
                removed["refund reasons"] += self.connection.execute(said).rowcount
        removed += remove_conversations(self.connection, found.conversation_ids, lasting=False)
        removed += remove_of_runs(self.connection, found.run_ids, lasting=False)
        return +removed

    def forget_person(self, email: str, *, pseudonym: str) -> Counter[str]:
        """Take name and address out of accounts and orders, which stay as what was sold and paid."""
        address = f"{pseudonym}@erased.invalid"
        account = (
            sa.update(accounts).where(_same(accounts.c.email, email)).values(email=address, name="Erased customer")
        )
        order = sa.update(orders).where(_same(orders.c.customer_email, email)).values(customer_email=address)
        changed = {
            "accounts without a name": self.connection.execute(account).rowcount,
            "orders without a name": self.connection.execute(order).rowcount,
        }
        return +Counter(changed)

    def mentions(self, email: str) -> list[str]:
        """Return the conversations of others in whose messages the address stands."""
        stands = messages.c.text.ilike(like(email), escape=LIKE_ESCAPE)
        chosen = sa.select(messages.c.conversation_id).where(stands).distinct().order_by(messages.c.conversation_id)
        return list(self.connection.scalars(chosen))

    def audit_lines(self, email: str) -> list[int]:
        """Return the lines of the audit log in which the address stands; builds before this one wrote such."""
        stands = (column.ilike(like(email), escape=LIKE_ESCAPE) for column in (audit_log.c.before, audit_log.c.after))
        return list(
            self.connection.scalars(sa.select(audit_log.c.seq).where(sa.or_(*stands)).order_by(audit_log.c.seq))
        )


def _same(column: sa.Column[str], email: str) -> sa.ColumnElement[bool]:
    return sa.func.lower(column) == email
