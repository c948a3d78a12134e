"""What time does to approvals: claims run out, people are reminded, more are told, and in the end it is too late.

What nobody decides by its due time escalates to a role; what nobody decides in time is rejected, never approved.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from triage.approvals.changes import Notify, audit, resume_when_decided, was_told
from triage.approvals.gate import Policies
from triage.domain import Actor, Approval, ApprovalStatus, EventKind, Role, utc_now
from triage.gateway import Gateway, Stores
from triage.runs.queue import WorkQueue

LOOK_EVERY_S = 5.0
REMIND_BEFORE = timedelta(minutes=10)
BY_TIME = Actor(name="time", role=Role.OPERATOR)

_UNCLAIMED: Mapping[str, Any] = {"status": ApprovalStatus.PENDING, "claimed_by": None, "claimed_until": None}

log = structlog.get_logger(__name__)


class Timekeeper:
    """Looks every few seconds for what has become due, in the owner of the data folder."""

    def __init__(
        self,
        *,
        records: Gateway,
        queue: WorkQueue,
        policies: Policies,
        notify: Notify = lambda _tx, _topic, _approval: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._records = records
        self._queue = queue
        self._policies = policies
        self._notify = notify
        self._clock = clock
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="timekeeper", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def tick(self) -> None:
        """Do what is due at this moment."""
        now = self._clock()
        with self._records.read() as tx:
            ids = dict.fromkeys([*tx.approvals.late(now), *tx.approvals.due_before(now + REMIND_BEFORE)])
        for approval_id in ids:
            with self._records.begin() as tx:
                self._look_at(tx, tx.approvals.lock(approval_id), now=now)
        if ids:
            self._queue.wake()

    def _look_at(self, tx: Stores, approval: Approval, *, now: datetime) -> None:
        if not approval.status.is_open:
            return
        if approval.expires_at is not None and now >= approval.expires_at:
            self._expire(tx, approval, now=now)
            return
        if approval.due_at is not None and now >= approval.due_at and approval.escalated_at is None:
            self._escalate(tx, approval, now=now)
            return
        if approval.due_at is not None and now >= approval.due_at - REMIND_BEFORE and approval.reminded_at is None:
            self._notify(tx, "approval.due_soon", tx.approvals.update(approval.id, reminded_at=now))
        if approval.claimed_until is not None and now >= approval.claimed_until:
            released = tx.approvals.update(approval.id, **_UNCLAIMED)
            audit(tx, "approval.released", released, actor=BY_TIME, before=approval, now=now)

    def _escalate(self, tx: Stores, approval: Approval, *, now: datetime) -> None:
        """Hand what is overdue to the role of the policy in force.

        A claim ends with it: a page that stays open would renew it for ever, and keep that role from deciding.
        """
        role = self._policies.document().escalates_to(tool=approval.tool, urgency=approval.urgency)
        escalated = tx.approvals.update(
            approval.id, **_UNCLAIMED, escalated_at=now, escalated_to=role, reminded_at=approval.reminded_at or now
        )
        self._notify(tx, "approval.overdue", escalated)
        audit(tx, "approval.escalated", escalated, actor=BY_TIME, before=approval, now=now)

    def _expire(self, tx: Stores, approval: Approval, *, now: datetime) -> None:
        expired = tx.approvals.update(approval.id, **{**_UNCLAIMED, "status": ApprovalStatus.EXPIRED}, decided_at=now)
        resume_when_decided(tx, expired)
        self._notify(tx, "approval.expired", expired)
        was_told(tx, EventKind.APPROVAL_EXPIRED, expired, actor=BY_TIME, before=approval, now=now)

    def _loop(self) -> None:
        while not self._closing.wait(LOOK_EVERY_S):
            try:
                self.tick()
            except Exception as error:  # noqa: BLE001 - a locked database must not end the thread; the next look finds it
                log.warning("approvals_not_looked_at", error=type(error).__name__)
