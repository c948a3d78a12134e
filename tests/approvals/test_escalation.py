"""What nobody decides by its due time: who is told, what the queue shows, and that time never approves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.records import Records
from tests.approvals.conftest import RITA, START, Bench
from triage.approvals.brief import BriefService
from triage.approvals.policies import PolicyDocument, parse_policy
from triage.approvals.timekeeper import Timekeeper
from triage.domain import (
    SUBSCRIBABLE_TOPICS,
    Actor,
    Approval,
    ApprovalStatus,
    Lane,
    NoticeTopic,
    QueueFilter,
    Role,
    Urgency,
    Webhook,
    WebhookFormat,
)
from triage.errors import Conflict
from triage.notices import approval_subject
from triage.notices.message import message
from triage.notices.outbox import new_delivery

MAX = Actor(name="max", role=Role.MANAGER)
ADA = Actor(name="ada", role=Role.ADMIN)
RULE = "rules:\n  - {name: all, tool: any, decide: approval, because: A person decides.}\n"
TIMES = """times:
  - {urgency: critical, due: 30m, expires: 8h, escalate: admin}
  - {due: 1h, expires: 8h}
hours: {time_zone: UTC, days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}
"""


class Written:
    """The policy of this module."""

    def document(self) -> PolicyDocument:
        return parse_policy(RULE + TIMES)


@pytest.fixture
def bench(records: Records) -> Bench:
    return Bench(records, policies=Written())


@pytest.mark.parametrize(("urgency", "role"), [(Urgency.CRITICAL, Role.ADMIN), (Urgency.LOW, Role.MANAGER)])
def test_what_is_overdue_escalates_once_to_the_role_of_the_policy(bench: Bench, urgency: Urgency, role: Role) -> None:
    [asked] = bench.asks(urgency=urgency)
    bench.later(minutes=59)
    bench.timekeeper.tick()
    assert bench.approvals.get(asked.id).escalated_to is None
    bench.later(minutes=1)
    bench.timekeeper.tick()
    bench.later(minutes=5)
    bench.timekeeper.tick()
    late = bench.approvals.get(asked.id)
    assert (late.escalated_to, late.escalated_at) == (role, START + timedelta(hours=1))
    assert late.status is ApprovalStatus.PENDING
    assert bench.told == [("approval.due_soon", asked.id), ("approval.overdue", asked.id)]
    with bench.records.read() as tx:
        [entry] = tx.audit.list()
    assert (entry.action, entry.actor, entry.before, entry.after) == (
        "approval.escalated", "time", {"escalated_to": None}, {"escalated_to": role.value},
    )  # fmt: skip


def test_the_queue_shows_to_whom_it_has_escalated(bench: Bench) -> None:
    briefs = BriefService(bench.records)
    for name, urgency in (("grave", Urgency.CRITICAL), ("usual", Urgency.LOW)):
        bench.asks(name, urgency=urgency)
    bench.asks("fresh", due_at=START + timedelta(hours=7))
    bench.later(hours=2)
    bench.timekeeper.tick()

    def shown(actor: Actor, *roles: Role) -> tuple[list[str], int]:
        view = briefs.queue(QueueFilter(escalated_to=roles), actor=actor, limit=10)
        return [approval.run_id for approval in view.approvals], view.counts.escalated

    assert shown(RITA) == (["grave", "usual", "fresh"], 0)
    assert shown(MAX, Role.MANAGER) == (["usual"], 1)
    assert shown(ADA, Role.MANAGER, Role.ADMIN) == (["grave", "usual"], 2)


def test_an_escalation_ends_the_claim_so_that_the_role_can_decide(bench: Bench) -> None:
    [asked] = bench.asks()
    bench.later(minutes=55)
    bench.approvals.claim(asked.id, actor=RITA)
    with pytest.raises(Conflict, match="rita is on it"):
        bench.approvals.approve(asked.id, actor=MAX)
    bench.later(minutes=5)
    bench.timekeeper.tick()
    with pytest.raises(Conflict):
        bench.approvals.renew(asked.id, actor=RITA)
    bench.approvals.approve(asked.id, actor=MAX)
    decided = bench.approvals.get(asked.id)
    assert (decided.decided_by, decided.escalated_to) == ("max", Role.MANAGER)
    assert bench.audited() == ["approval.claimed", "approval.escalated", "approval.approved"]


def test_a_reviewer_may_still_decide_what_has_escalated(bench: Bench) -> None:
    [asked] = bench.asks()
    bench.later(hours=1)
    bench.timekeeper.tick()
    bench.approvals.approve(asked.id, actor=RITA)
    assert bench.approvals.get(asked.id).decided_by == "rita"


def test_what_escalated_and_is_not_decided_is_rejected_never_approved(bench: Bench) -> None:
    [asked] = bench.asks()
    for _ in range(9):
        bench.later(hours=1)
        bench.timekeeper.tick()
    expired = bench.approvals.get(asked.id)
    assert (expired.status, expired.decided_arguments, expired.escalated_to) == (
        ApprovalStatus.EXPIRED, None, Role.MANAGER,
    )  # fmt: skip
    assert bench.audited() == ["approval.escalated", "approval.expired"]
    assert BriefService(bench.records).queue(QueueFilter(lane=Lane.WAITING), actor=MAX, limit=1).counts.escalated == 0


def test_only_open_time_counts_until_it_escalates(bench: Bench) -> None:
    friday = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
    times = Written().document().times(tool="process_refund", urgency=Urgency.MEDIUM, asked_at=friday)
    [asked] = bench.asks(due_at=times.due_at, expires_at=times.expires_at)
    bench.now = datetime(2026, 3, 9, 9, 29, tzinfo=UTC)
    bench.timekeeper.tick()
    assert bench.approvals.get(asked.id).escalated_to is None
    bench.later(minutes=1)
    bench.timekeeper.tick()
    assert bench.approvals.get(asked.id).escalated_to is Role.MANAGER


def test_the_notice_names_the_role(bench: Bench) -> None:
    said: list[Approval] = []
    keeper = Timekeeper(
        records=bench.records, queue=bench.queue, policies=Written(), clock=lambda: bench.now,
        notify=lambda _tx, topic, approval: said.append(approval) if topic == "approval.overdue" else None,
    )  # fmt: skip
    hook = Webhook(
        id="whk_1", url="https://example.com", format=WebhookFormat.SLACK, topics=SUBSCRIBABLE_TOPICS, created_by="ada",
        created_at=START,
    )  # fmt: skip
    bench.asks()
    bench.later(hours=1)
    keeper.tick()
    body = new_delivery(hook, NoticeTopic.APPROVAL_OVERDUE, approval_subject(said[0]), at=bench.now).body
    assert '"escalated_to":"manager"' in body
    assert "Overdue and not decided, escalated to the managers" in message(body, form="slack", console_url="http://c")
