"""Policies and what they have judged: the saved texts, the last calls, and the last decisions of each rule."""

from __future__ import annotations

import builtins

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import add_rows
from storage.records.schema import approvals
from storage.records.schema_control import policies
from triage.domain import Approval, ApprovalStatus, SavedPolicy

_VERSION = sa.select(sa.func.coalesce(sa.func.max(policies.c.version), 0))
_FIND = sa.select(policies).where(policies.c.version == sa.bindparam("version"))
_LIST = (
    sa.select(policies).order_by(policies.c.version.desc()).limit(sa.bindparam("limit")).offset(sa.bindparam("offset"))
)
_CALLS = (
    sa.select(approvals)
    .where(approvals.c.kind == "action")
    .order_by(approvals.c.created_at.desc(), approvals.c.number.desc())
    .limit(sa.bindparam("limit"))
)
_JUDGED_BY = sa.select(approvals.c.tool, approvals.c.rule).distinct()
_DECIDED = [
    status.value
    for status in (ApprovalStatus.APPROVED, ApprovalStatus.EDITED, ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED)
]
_LAST_DECIDED = (
    sa.select(approvals)
    .where(
        approvals.c.tool == sa.bindparam("tool"),
        approvals.c.rule == sa.bindparam("rule"),
        approvals.c.policy_version >= sa.bindparam("since_version"),
        approvals.c.kind == "action",
        approvals.c.status.in_(_DECIDED),
        # Also what nobody decided in time has the time at which that was settled.
        approvals.c.decided_at.is_not(None),
    )
    .order_by(approvals.c.decided_at.desc(), approvals.c.number.desc())
    .limit(sa.bindparam("limit"))
)


class PolicyStore:
    """The versions of the policy; none is ever changed or removed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, policy: SavedPolicy) -> None:
        """Keep a new version.

        Raises:
            Conflict: somebody has just saved one with this number.
        """
        add_rows(self.connection, policies, policy.model_dump(), noun="version of the policy")

    def version(self) -> int:
        """Return the number of the newest version, 0 when none was ever saved."""
        return self.connection.scalar(_VERSION) or 0

    def find(self, version: int) -> SavedPolicy | None:
        """Return a version, or None."""
        row = self.connection.execute(_FIND, {"version": version}).first()
        return None if row is None else SavedPolicy.model_validate(row._asdict())

    def list(self, *, limit: int = 50, offset: int = 0) -> builtins.list[SavedPolicy]:
        """Return versions, the newest first."""
        rows = self.connection.execute(_LIST, {"limit": limit, "offset": offset})
        return [SavedPolicy.model_validate(row._asdict()) for row in rows]

    def list_calls(self, *, limit: int) -> builtins.list[Approval]:
        """Return the last actions that a policy has judged, those that it let pass included, the newest first."""
        return [Approval.model_validate(row._asdict()) for row in self.connection.execute(_CALLS, {"limit": limit})]

    def list_judged(self) -> builtins.list[tuple[str, str]]:
        """Return every tool and rule that has judged a call."""
        return [(row.tool, row.rule) for row in self.connection.execute(_JUDGED_BY)]

    def list_decided(self, tool: str, rule: str, *, since_version: int, limit: int) -> builtins.list[Approval]:
        """Return the last decided actions of a tool and rule from a version of the policy on, the newest first."""
        parameters = {"tool": tool, "rule": rule, "since_version": since_version, "limit": limit}
        return [Approval.model_validate(row._asdict()) for row in self.connection.execute(_LAST_DECIDED, parameters)]
