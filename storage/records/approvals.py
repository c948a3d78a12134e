"""Approvals: tool calls that wait, or waited, for a person."""

from __future__ import annotations

import builtins
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from storage.records.base import Store
from storage.records.columns import UtcTime
from storage.records.prepared import Prepared
from storage.records.schema import approvals, runs
from triage.domain import OPEN_APPROVAL_STATUSES, Approval, ApprovalStatus, ExecutionStatus, utc_now
from triage.errors import Conflict

_IS_OPEN = approvals.c.status.in_(sorted(status.value for status in OPEN_APPROVAL_STATUSES))
_OF_RUN = Prepared(
    sa.select(approvals).where(approvals.c.run_id == sa.bindparam("run_id")).order_by(approvals.c.number)
)
_OPEN_OF_RUN = Prepared(_OF_RUN.statement.where(_IS_OPEN))
# First the run, as everybody does who ends it. Of two who decide the last two of its approvals the second waits until
# the first has committed, and sees that nothing is open any more; else neither of them would let the run go on.
_LOCKED_RUN = Prepared(
    sa.select(runs.c.id)
    .where(runs.c.id == sa.select(approvals.c.run_id).where(approvals.c.id == sa.bindparam("id")).scalar_subquery())
    .with_for_update(key_share=True)
)
# Any number will do, as long as nothing else in the database locks the same one.
_SUMS_LOCK = 5_208_412_007
_LOCK_SUMS = sa.text("select pg_advisory_xact_lock(:number)")
_LOCKED = Prepared(sa.select(approvals).where(approvals.c.id == sa.bindparam("id")).with_for_update())
_AGREED = sa.select(approvals.c.amount_usd).where(
    approvals.c.amount_usd.is_not(None),
    approvals.c.status.in_([ApprovalStatus.APPROVED.value, ApprovalStatus.EDITED.value]),
)
_NOW = sa.bindparam("now", type_=UtcTime)
_LATE = (
    sa.select(approvals.c.id)
    .where(
        _IS_OPEN,
        sa.or_(
            approvals.c.expires_at <= _NOW,
            approvals.c.claimed_until <= _NOW,
            sa.and_(approvals.c.due_at <= _NOW, approvals.c.escalated_at.is_(None)),
        ),
    )
    .order_by(approvals.c.number)
    .limit(sa.bindparam("limit"))
)
_DUE_SOON = (
    sa.select(approvals.c.id)
    .where(_IS_OPEN, approvals.c.due_at <= sa.bindparam("soon", type_=UtcTime), approvals.c.reminded_at.is_(None))
    .order_by(approvals.c.number)
    .limit(sa.bindparam("limit"))
)
_COUNT_OPEN = sa.select(sa.func.count()).select_from(approvals).where(_IS_OPEN)
_COUNT_OPEN_OF_TEAM = _COUNT_OPEN.where(approvals.c.team == sa.bindparam("team"))


class ApprovalStore(Store[Approval]):
    """The approvals."""

    table = approvals
    value = Approval
    noun = "approval"

    def add(self, approval: Approval) -> None:
        """Keep a new approval.

        Raises:
            Conflict: its id is taken, or the same call of the same run and segment has one, or there is no such run.
        """
        self._add(approval)

    def add_once(self, approval: Approval) -> Approval:
        """Keep a new approval, or return the one that the same call of the same run and segment has."""
        return self._add_once(approval, unique=("run_id", "segment", "call_id"))

    def update(self, id: str, *, expect: Collection[ApprovalStatus] | None = None, **changes: Any) -> Approval:  # noqa: A002
        """Change fields of an approval, if its status is one of ``expect``, and return it as it is then.

        ``updated_at`` is set unless it is given.

        Raises:
            NotFound: there is no such approval.
            Conflict: its status is another one; nothing is changed.
        """
        return self._change(id, expect=expect, changes={"updated_at": utc_now(), **changes})

    def list(
        self,
        *,
        statuses: Collection[ApprovalStatus] = (),
        executions: Collection[ExecutionStatus] = (),
        team: str | None = None,
        newest_first: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> builtins.list[Approval]:
        """Return the approvals with one of the statuses and executions, and of the team, any where none is given.

        Those that are due first come first; with ``newest_first`` those that were asked for last.
        """
        newest = (approvals.c.created_at.desc(), approvals.c.number.desc())
        statement = sa.select(approvals).order_by(
            *(newest if newest_first else (approvals.c.due_at, approvals.c.number))
        )
        if statuses:
            statement = statement.where(approvals.c.status.in_([status.value for status in statuses]))
        if executions:
            statement = statement.where(approvals.c.execution.in_([status.value for status in executions]))
        if team is not None:
            statement = statement.where(approvals.c.team == team)
        return self._all(statement.limit(limit).offset(offset))

    def lock(self, id: str) -> Approval:  # noqa: A002 - the column's name
        """Return an approval that nobody else changes before this transaction ends, and neither its run.

        Raises:
            NotFound: there is no such approval.
        """
        _LOCKED_RUN.rows(self.connection, {"id": id})
        found = self._one(_LOCKED, {"id": id})
        if found is None:
            raise self._not_found(id)
        return found

    def lock_sums(self) -> None:
        """Let nobody else decide by what was agreed to until this transaction ends; SQLite's write lock does so anyway.

        It is taken after the run and its approval, and before the audit log, which everybody writes last.
        """
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(_LOCK_SUMS, {"number": _SUMS_LOCK})

    def agreed_usd(self, column: str, value: str, *, since: datetime) -> Decimal:
        """Add up the sums of actions that people let happen since a time, by ``decided_by`` or ``customer_email``."""
        amounts = self.connection.execute(
            _AGREED.where(approvals.c[column] == value, approvals.c.decided_at >= since)
        ).scalars()
        return sum(amounts, start=Decimal(0))

    def late(self, now: datetime, *, limit: int = 100) -> builtins.list[str]:
        """Return the ids of open approvals that expire, are due for an escalation or whose claim has run out."""
        return builtins.list(self.connection.execute(_LATE, {"now": now, "limit": limit}).scalars())

    def due_before(self, soon: datetime, *, limit: int = 100) -> builtins.list[str]:
        """Return the ids of open approvals that are due before a time and of which nobody was reminded."""
        return builtins.list(self.connection.execute(_DUE_SOON, {"soon": soon, "limit": limit}).scalars())

    def list_of_run(self, run_id: str) -> builtins.list[Approval]:
        """Return the approvals of a run, in the order of their calls."""
        return self._all(_OF_RUN, {"run_id": run_id})

    def list_open_of_run(self, run_id: str) -> builtins.list[Approval]:
        """Return the approvals of a run that can still be decided, in the order of their calls."""
        return self._all(_OPEN_OF_RUN, {"run_id": run_id})

    def count_open(self, *, team: str | None = None) -> int:
        """Count the approvals that can still be decided, with ``team`` its only."""
        if team is None:
            return self.connection.scalar(_COUNT_OPEN) or 0
        return self.connection.scalar(_COUNT_OPEN_OF_TEAM, {"team": team}) or 0

    def _conflict(self, current: Approval) -> Conflict:
        by = f" by {current.decided_by}" if current.decided_by else ""
        return Conflict(f"The approval is {current.status.value}{by} by now; load it again.")
