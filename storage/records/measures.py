"""What the dashboards ask of the records: decisions of people, and the labels that they corrected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.schema import approvals, corrections, runs
from storage.records.schema_control import audit_log
from triage.domain import ApprovalStatus, Mode
from triage.domain.people_measures import AskedApproval, Claim, LabelField, LabelPair
from triage.domain.traces import MeasureFilter, TimeRange

CLAIMED = "approval.claimed"
_ASKED = (
    approvals.c.id,
    approvals.c.tool,
    approvals.c.status,
    approvals.c.created_at,
    approvals.c.endorsed_at,
    approvals.c.decided_at,
    approvals.c.decided_by,
    approvals.c.summary,
    approvals.c.policy,
    approvals.c.arguments,
    runs.c.message,
)


class MeasureReader:
    """Counts over many runs; agents choose approvals by who asked, and labels by who answered last."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def approvals(self, time_range: TimeRange, chosen: MeasureFilter) -> list[AskedApproval]:
        """Return the actions that people were asked about in the range, oldest first."""
        statement = (
            sa.select(*_ASKED)
            .join(runs, runs.c.id == approvals.c.run_id)
            .where(*_asked_in(time_range, chosen))
            .order_by(approvals.c.created_at, approvals.c.number)
        )
        rows = self.connection.execute(statement).mappings()
        return [AskedApproval(**{**row, "status": ApprovalStatus(row["status"])}) for row in rows]

    def claims(self, time_range: TimeRange, chosen: MeasureFilter) -> list[Claim]:
        """Return who claimed these actions and when, oldest first; the audit log keeps every claim."""
        asked = (
            sa.select(approvals.c.id).join(runs, runs.c.id == approvals.c.run_id).where(*_asked_in(time_range, chosen))
        )
        statement = (
            sa.select(audit_log.c.subject_id, audit_log.c.actor, audit_log.c.at)
            .where(
                audit_log.c.subject_kind == "approval",
                audit_log.c.action == CLAIMED,
                audit_log.c.subject_id.in_(asked),
            )
            .order_by(audit_log.c.seq)
        )
        return [Claim(approval_id=found, person=who, at=at) for found, who, at in self.connection.execute(statement)]

    def let_pass(self, time_range: TimeRange, chosen: MeasureFilter) -> int:
        """Count the actions that a policy let pass without asking anybody."""
        statement = (
            sa.select(sa.func.count())
            .select_from(approvals.join(runs, runs.c.id == approvals.c.run_id))
            .where(approvals.c.mode == Mode.AUTO.value, *_requested_in(time_range, chosen))
        )
        return self.connection.scalar(statement) or 0

    def labels(self, field: LabelField, time_range: TimeRange, chosen: MeasureFilter) -> list[LabelPair]:
        """Return how many runs of the range have each label by the agents and each in force."""
        label = runs.c[field]
        conditions = [label.is_not(None), *_submitted_in(time_range, chosen)]
        if chosen.agents:
            conditions.append(runs.c.last_agent.in_(chosen.agents))
        # What the agents said is what stood there before the first correction, else what stands there now.
        first = (
            sa.select(corrections.c.before)
            .where(corrections.c.run_id == runs.c.id, corrections.c.field == field)
            .order_by(corrections.c.corrected_at, corrections.c.id)
            .limit(1)
            .scalar_subquery()
        )
        is_corrected = sa.exists().where(corrections.c.run_id == runs.c.id, corrections.c.field == field)
        said = sa.case((is_corrected, first), else_=label)
        pairs = sa.select(said.label("said"), label.label("now")).where(*conditions).subquery()
        statement = (
            sa.select(pairs.c.said, pairs.c.now, sa.func.count())
            .group_by(pairs.c.said, pairs.c.now)
            .order_by(pairs.c.said, pairs.c.now)
        )
        return [LabelPair(said=was, now=now, runs=count) for was, now, count in self.connection.execute(statement)]


def _asked_in(time_range: TimeRange, chosen: MeasureFilter) -> Iterator[sa.ColumnElement[bool]]:
    yield approvals.c.mode != Mode.AUTO.value
    yield from _requested_in(time_range, chosen)


def _requested_in(time_range: TimeRange, chosen: MeasureFilter) -> Iterator[sa.ColumnElement[bool]]:
    yield approvals.c.created_at >= time_range.start
    yield approvals.c.created_at < time_range.end
    if chosen.agents:
        yield approvals.c.agent.in_(chosen.agents)
    yield from _of_run(chosen)


def _submitted_in(time_range: TimeRange, chosen: MeasureFilter) -> Iterator[sa.ColumnElement[bool]]:
    yield runs.c.created_at >= time_range.start
    yield runs.c.created_at < time_range.end
    yield from _of_run(chosen)


def _of_run(chosen: MeasureFilter) -> Iterator[sa.ColumnElement[bool]]:
    if chosen.categories:
        yield runs.c.category.in_(chosen.categories)
    if chosen.customer:
        yield sa.func.lower(runs.c.customer_email) == chosen.customer.strip().lower()
    if chosen.models:
        # The list of models is JSON, in which a name stands between quotation marks.
        named: list[Any] = [
            sa.cast(runs.c.models, sa.Text).contains(json.dumps(name), autoescape=True) for name in chosen.models
        ]
        yield sa.or_(*named)
