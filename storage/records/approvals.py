"""Approvals: tool calls that wait, or waited, for a person."""

from __future__ import annotations

import builtins
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from storage.records.base import Store
from storage.records.schema import approvals
from triage.domain import OPEN_APPROVAL_STATUSES, Approval, ApprovalStatus, utc_now
from triage.errors import Conflict

_IS_OPEN = approvals.c.status.in_(sorted(status.value for status in OPEN_APPROVAL_STATUSES))
_OF_RUN = sa.select(approvals).where(approvals.c.run_id == sa.bindparam("run_id")).order_by(approvals.c.number)
_OPEN_OF_RUN = _OF_RUN.where(_IS_OPEN)
_COUNT_OPEN = sa.select(sa.func.count()).select_from(approvals).where(_IS_OPEN)


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
        newest_first: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> builtins.list[Approval]:
        """Return the approvals with one of the statuses, of any status when none is given, oldest first by default."""
        order = (approvals.c.created_at, approvals.c.number)
        statement = sa.select(approvals).order_by(*([column.desc() for column in order] if newest_first else order))
        if statuses:
            statement = statement.where(approvals.c.status.in_([status.value for status in statuses]))
        return self._all(statement.limit(limit).offset(offset))

    def list_of_run(self, run_id: str) -> builtins.list[Approval]:
        """Return the approvals of a run, in the order of their calls."""
        return self._all(_OF_RUN, {"run_id": run_id})

    def list_open_of_run(self, run_id: str) -> builtins.list[Approval]:
        """Return the approvals of a run that can still be decided, in the order of their calls."""
        return self._all(_OPEN_OF_RUN, {"run_id": run_id})

    def count_open(self) -> int:
        """Count the approvals that can still be decided."""
        return self.connection.scalar(_COUNT_OPEN) or 0

    def _conflict(self, current: Approval) -> Conflict:
        by = f" by {current.decided_by}" if current.decided_by else ""
        return Conflict(f"The approval is {current.status.value}{by} by now; load it again.")
