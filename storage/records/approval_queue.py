"""The approval queue as reviewers read it: lists by due time, counts, and earlier decisions in such cases."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.columns import UtcTime
from storage.records.schema import IS_UNKNOWN, approvals
from triage.domain import (
    OPEN_APPROVAL_STATUSES,
    Approval,
    ApprovalStatus,
    Lane,
    Mode,
    PastDecision,
    QueueCounts,
    QueueFilter,
    QueueLoad,
    Role,
)

# So many earlier decisions are looked at for the ones whose amount is nearest.
MOST_COMPARED = 200

_OPEN = sorted(status.value for status in OPEN_APPROVAL_STATUSES)
_DECIDED_BY_PEOPLE = [
    status.value for status in (ApprovalStatus.APPROVED, ApprovalStatus.EDITED, ApprovalStatus.REJECTED)
]
_IS_UNKNOWN = sa.text(IS_UNKNOWN)
# A call that a policy let pass is kept like an approved one, but nobody decided it.
_BY_A_PERSON = approvals.c.mode != Mode.AUTO.value
_BY_DUE_TIME = (approvals.c.due_at.is_(None), approvals.c.due_at, approvals.c.number)
_SEEN = approvals.alias()
_LAST_DECIDED_FIRST = (approvals.c.decided_at.desc(), approvals.c.number.desc())


def _how_many(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


_COUNTS = (
    sa.select(
        approvals.c.tool,
        sa.func.count().label("waiting"),
        _how_many(approvals.c.claimed_by == sa.bindparam("person")).label("mine"),
        _how_many(approvals.c.due_at < sa.bindparam("now")).label("overdue"),
        _how_many(approvals.c.escalated_to.in_(sa.bindparam("roles", expanding=True))).label("escalated"),
        _how_many(approvals.c.endorsed_by.is_not(None)).label("half_decided"),
    )
    .where(approvals.c.status.in_(_OPEN))
    .group_by(approvals.c.tool)
    .order_by(approvals.c.tool)
)
_LOAD = sa.select(
    sa.func.count().label("waiting"),
    _how_many(approvals.c.due_at < sa.bindparam("now", type_=UtcTime)).label("overdue"),
    sa.func.min(approvals.c.created_at).label("oldest_at"),
).where(approvals.c.status.in_(_OPEN))
_COUNT_UNKNOWN = sa.select(sa.func.count()).select_from(approvals).where(_IS_UNKNOWN)
_IS_OF_TEAM = approvals.c.team == sa.bindparam("team")
_LAST_DECIDED = (
    sa.select(*(approvals.c[name] for name in PastDecision.model_fields), approvals.c.number)
    .where(
        approvals.c.tool == sa.bindparam("tool"),
        approvals.c.rule == sa.bindparam("rule"),
        approvals.c.status.in_(_DECIDED_BY_PEOPLE),
        approvals.c.decided_at.is_not(None),
        approvals.c.id != sa.bindparam("but"),
        _BY_A_PERSON,
    )
    .order_by(approvals.c.decided_at.desc())
    .limit(MOST_COMPARED)
)


class ApprovalQueue:
    """Reads the approvals of many runs; what one of them becomes is the business of the approval store."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def list(self, filter: QueueFilter, *, limit: int = 50, offset: int = 0) -> builtins.list[Approval]:  # noqa: A002
        """Return the approvals that the filter lets through: what waits by due time, else the last decided first."""
        order = _BY_DUE_TIME if filter.lane is Lane.WAITING else _LAST_DECIDED_FIRST
        # The numbers are found and sorted alone, so that of ten thousand rows only the shown ones are read whole.
        page = sa.select(approvals.c.number).where(*_conditions(filter), *_place(filter))
        page = page.order_by(*order).limit(limit).offset(offset)
        statement = sa.select(approvals).where(approvals.c.number.in_(page.scalar_subquery())).order_by(*order)
        return [Approval.model_validate(row._asdict()) for row in self.connection.execute(statement)]

    def counts(self, *, person: str, roles: Collection[Role], now: datetime, team: str | None = None) -> QueueCounts:
        """Count what waits, and of it what a person has claimed, what is late, and what has escalated to the roles.

        With ``team`` only its approvals count.
        """
        given = {"person": person, "now": now, "roles": [role.value for role in roles]}
        of_team = {} if team is None else {"team": team}
        waiting, unknown_ones = (
            (_COUNTS, _COUNT_UNKNOWN)
            if team is None
            else (_COUNTS.where(_IS_OF_TEAM), _COUNT_UNKNOWN.where(_IS_OF_TEAM))
        )
        rows = self.connection.execute(waiting, {**given, **of_team}).all()
        names = ("waiting", "mine", "overdue", "escalated", "half_decided")
        sums: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in names}
        unknown = self.connection.scalar(unknown_ones, of_team) or 0
        return QueueCounts(**sums, unknown=unknown, tools={row.tool: row.waiting for row in rows})

    def load(self, *, now: datetime) -> QueueLoad:
        """Count what waits and what of it is late, of all teams, and say since when the first one waits."""
        row = self.connection.execute(_LOAD, {"now": now}).one()
        return QueueLoad(waiting=row.waiting, overdue=row.overdue or 0, oldest_at=row.oldest_at)

    def past_decisions(
        self, *, tool: str, rule: str, but: str, near: Decimal | None, limit: int
    ) -> builtins.list[PastDecision]:
        """Return decisions of people on calls of the same tool and rule, the newest first.

        Of the last 200 those whose amount is nearest to ``near`` are taken, without an amount the newest.
        """
        last = _LAST_DECIDED.subquery()
        statement = sa.select(last)
        if near is not None:
            distance = sa.func.abs(sa.cast(last.c.amount_usd, sa.Float) - float(near))
            statement = statement.order_by(distance.is_(None), distance)
        statement = statement.order_by(last.c.decided_at.desc(), last.c.number.desc()).limit(limit)
        rows = self.connection.execute(statement, {"tool": tool, "rule": rule, "but": but})
        found = [PastDecision.model_validate(row._asdict()) for row in rows]
        return sorted(found, key=lambda decision: decision.decided_at, reverse=True)


def _conditions(filter: QueueFilter) -> Iterator[sa.ColumnElement[bool] | sa.TextClause]:  # noqa: A002
    who = approvals.c.claimed_by
    if filter.lane is Lane.WAITING:
        yield approvals.c.status.in_(_OPEN)
    elif filter.lane is Lane.UNKNOWN:
        yield _IS_UNKNOWN
        who = approvals.c.decided_by
    else:
        # Said as what it is not, so that SQLite goes by the time of the decision and stops at the end of the page.
        yield approvals.c.status.not_in(_OPEN)
        yield approvals.c.decided_at.is_not(None)
        yield _BY_A_PERSON
        who = approvals.c.decided_by
    if filter.person is not None:
        yield who == filter.person
    if filter.tools:
        yield approvals.c.tool.in_(filter.tools)
    if filter.urgencies:
        yield approvals.c.urgency.in_([urgency.value for urgency in filter.urgencies])
    if filter.due_before is not None:
        yield approvals.c.due_at < filter.due_before
    if filter.team is not None:
        yield approvals.c.team == filter.team
    if filter.escalated_to:
        yield approvals.c.escalated_to.in_([role.value for role in filter.escalated_to])
    if filter.run_id is not None:
        yield approvals.c.run_id == filter.run_id


def _place(filter: QueueFilter) -> Iterator[sa.ColumnElement[bool]]:  # noqa: A002
    """Leave out what comes before a place in the order of the lane, that place included."""
    if filter.beyond is None:
        return
    at, approval_id = filter.beyond
    number = sa.select(_SEEN.c.number).where(_SEEN.c.id == approval_id).scalar_subquery()
    if filter.lane is not Lane.WAITING:
        decided = approvals.c.decided_at
        yield sa.or_(decided < at, sa.and_(decided == at, approvals.c.number < number))
        return
    due, is_later = approvals.c.due_at, approvals.c.number > number
    if at is None:
        yield sa.and_(due.is_(None), is_later)
    else:
        yield sa.or_(due > at, sa.and_(due == at, is_later), due.is_(None))
