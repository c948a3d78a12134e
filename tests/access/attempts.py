"""One attempt for every action, made through the services like a page, the API or the command line makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from triage.access.actions import Action
from triage.domain import (
    Actor,
    AlertMeasure,
    AlertRule,
    Approval,
    ApprovalStatus,
    Budget,
    BudgetPeriod,
    ConversationFilter,
    ExecutionStatus,
    Judgement,
    QueueFilter,
    Role,
    RunFilter,
    RunStatus,
    utc_now,
)
from triage.domain.traces import TimeRange, TraceFilter
from triage.services import Services


@dataclass(frozen=True)
class Place:
    """What a team has: a run that waits in the queue, one that has ended, and what a person decides on."""

    team: str
    queued: str
    ended: str
    conversation: str
    approval: str


Attempt = Callable[[Services, Actor, Place], Any]

# Whose object it is counts for these; all others are about the whole desk.
OF_A_TEAM: dict[Action, tuple[Attempt, ...]] = {
    Action.RUNS_READ: (
        lambda s, who, at: s.as_seen_by(who).runs.get(at.queued),
        lambda s, who, at: s.as_seen_by(who).runs.whole(at.queued),
        lambda s, who, at: s.as_seen_by(who).runs.events(at.queued),
        lambda s, who, at: s.as_seen_by(who).runs.live_text(at.queued),
        lambda s, who, at: s.as_seen_by(who).runs.tickets(at.queued),
        lambda s, who, at: s.as_seen_by(who).runs.escalations(at.queued),
        lambda s, who, at: s.as_seen_by(who).runs.corrections(at.queued),
        lambda s, who, at: s.as_seen_by(who).runs.find_release(at.queued),
        lambda s, who, at: s.as_seen_by(who).runs.find_release_to(at.queued),
    ),
    Action.RUNS_SUBMIT: (
        lambda s, who, at: s.runs.submit("And another thing.", actor=who, conversation_id=at.conversation),
        lambda s, who, at: s.runs.retry(at.ended, actor=who),
    ),
    Action.RUNS_CORRECT: (lambda s, who, at: s.runs.correct(at.ended, field="category", value="billing", actor=who),),
    Action.RUNS_REPLY: (
        lambda s, who, at: s.runs.edit_reply(at.ended, text=f"Hello from {who.name}", actor=who),
        lambda s, who, at: s.runs.mark_sent(at.ended, text="Hello", actor=who),
    ),
    Action.RUNS_ESCALATE: (lambda s, who, at: s.runs.escalate(at.ended, actor=who, reason="A lawyer wrote."),),
    Action.RUNS_CANCEL: (
        lambda s, who, at: s.runs.cancel(at.queued, actor=who),
        lambda s, who, at: s.runs.take_over(at.queued, actor=who),
    ),
    Action.CONVERSATIONS_READ: (
        lambda s, who, at: s.as_seen_by(who).conversations.get(at.conversation),
        lambda s, who, at: s.as_seen_by(who).conversations.messages(at.conversation),
        lambda s, who, at: s.as_seen_by(who).conversations.runs(at.conversation),
    ),
    Action.APPROVALS_READ: (
        lambda s, who, at: s.as_seen_by(who).approvals.get(at.approval),
        lambda s, who, at: s.as_seen_by(who).approvals.brief(at.approval),
        lambda s, who, at: s.as_seen_by(who).approvals.list_of_run(at.ended),
    ),
    Action.APPROVALS_CLAIM: (
        lambda s, who, at: s.approvals.claim(at.approval, actor=who),
        lambda s, who, at: s.approvals.renew(at.approval, actor=who),
        lambda s, who, at: s.approvals.release(at.approval, actor=who),
    ),
    Action.APPROVALS_DECIDE: (
        lambda s, who, at: s.approvals.approve(at.approval, actor=who),
        lambda s, who, at: s.approvals.edit(at.approval, actor=who, arguments={}),
        lambda s, who, at: s.approvals.answer(at.approval, actor=who, text="Yes"),
        lambda s, who, at: s.approvals.reject(at.approval, actor=who, reason="Not needed"),
    ),
    Action.APPROVALS_SETTLE: (
        lambda s, who, at: s.aftermath.reconcile(at.approval, actor=who, happened=True, note="Seen there"),
        lambda s, who, at: s.aftermath.mark_reversed(at.approval, actor=who, reason="Undone there"),
    ),
    Action.GUARDRAILS_RELEASE: (lambda s, who, at: s.releases.release(at.ended, reason="Our own test", actor=who),),
    # A process without traces says so to who may ask; tests/access/test_teams.py has real ones.
    Action.TRACES_READ: (),
}


def _rule() -> AlertRule:
    return AlertRule(
        id="", name="Trips", measure=AlertMeasure.TRIP_RATE, window_hours=24, warn_at=0.1, alert_at=0.2, least=5,
    )  # fmt: skip


def _range() -> TimeRange:
    return TimeRange.last(timedelta(days=1), until=utc_now())


def _erase_nobody(s: Services, who: Actor, _: Place) -> None:
    s.data_care.preview_erasure("nobody@example.com", actor=who)
    s.data_care.erase("nobody@example.com", actor=who)


OF_THE_DESK: dict[Action, tuple[Attempt, ...]] = {
    Action.RUNS_READ: (
        lambda s, who, _: s.as_seen_by(who).runs.list(),
        lambda s, who, _: s.as_seen_by(who).runs.counts(),
    ),
    Action.CONVERSATIONS_READ: (lambda s, who, _: s.as_seen_by(who).conversations.list(ConversationFilter(), limit=5),),
    Action.APPROVALS_READ: (
        lambda s, who, _: s.as_seen_by(who).approvals.list(),
        lambda s, who, _: s.as_seen_by(who).approvals.count_open(),
        lambda s, who, _: s.as_seen_by(who).approvals.queue(QueueFilter(), limit=5),
        lambda s, who, _: s.as_seen_by(who).not_resumable(),
        lambda s, who, _: s.as_seen_by(who).count_not_resumable(),
    ),
    Action.SWITCHES_READ: (lambda s, who, _: s.as_seen_by(who).switches(),),
    Action.TEAM_READ: (
        lambda s, who, _: s.as_seen_by(who).team,
        lambda s, who, _: s.as_seen_by(who).models,
        lambda s, who, _: s.as_seen_by(who).sample_count(),
    ),
    Action.TRACES_READ: (
        lambda s, who, _: s.as_seen_by(who).traces.find("trace_1"),
        lambda s, who, _: s.as_seen_by(who).traces.spans("trace_1"),
        lambda s, who, _: s.as_seen_by(who).traces.content("trace_1", "span_1"),
        lambda s, who, _: s.as_seen_by(who).traces.of_conversation("conv_1"),
    ),
    Action.POLICIES_READ: (lambda s, who, _: s.as_seen_by(who).policies.current(),),
    Action.MEASURES_READ: (lambda s, who, _: s.as_seen_by(who).measures,),
    Action.METRICS_READ: (lambda s, who, _: s.as_seen_by(who).figures(),),
    Action.TRACES_SEARCH: (lambda s, who, _: s.as_seen_by(who).traces.search.find(TraceFilter()),),
    Action.TRACES_EXPORT: (
        lambda s, who, _: s.data_care.export_traces(actor=who),
        lambda s, who, _: s.data_care.read_export("job_none", actor=who),
    ),
    Action.GUARDRAILS_READ: (lambda s, who, _: s.as_seen_by(who).guardrails.precision(_range()),),
    Action.GUARDRAILS_MARK: (lambda s, who, _: s.guardrails.mark("span_1", judgement=Judgement.RIGHT, actor=who),),
    Action.CASES_READ: (lambda s, who, _: s.as_seen_by(who).cases.list(),),
    Action.CASES_MAKE: (lambda s, who, _: s.cases.add_from_trip("span_1", actor=who),),
    Action.CASES_EXPORT: (lambda s, who, _: s.cases.export(actor=who),),
    Action.ALERTS_READ: (lambda s, who, _: s.as_seen_by(who).alerts.standings(),),
    Action.ALERTS_CHANGE: (
        lambda s, who, _: s.alerts.save(_rule(), actor=who),
        lambda s, who, _: s.alerts.remove("rule_none", actor=who),
    ),
    Action.BUDGETS_CHANGE: (
        lambda s, who, _: s.alerts.set_budget(Budget(period=BudgetPeriod.DAY, is_on=False), actor=who),
    ),
    Action.AUDIT_READ: (
        lambda s, who, _: s.audit.list(actor=who, limit=1),
        lambda s, who, _: s.audit.count(actor=who),
        lambda s, who, _: s.audit.choices(actor=who),
        lambda s, who, _: s.audit.verify(actor=who),
        lambda s, who, _: s.audit.get(1, actor=who),
    ),
    Action.AUDIT_EXPORT: (lambda s, who, _: s.audit.export(form="csv", actor=who),),
    Action.JOBS_READ: (
        lambda s, who, _: s.data_care.list(actor=who),
        lambda s, who, _: s.data_care.get("job_none", actor=who),
        lambda s, who, _: s.data_care.sizes(actor=who),
    ),
    Action.SAMPLES_REMOVE: (lambda s, who, _: s.samples.remove(actor=who),),
    Action.POLICIES_CHANGE: (
        lambda s, who, _: s.policies.save("nonsense: [", actor=who),
        lambda s, who, _: s.policies.promote("process_refund", "none", actor=who),
    ),
    Action.SWITCHES_SET: (
        lambda s, who, _: s.switches.set("writes", actor=who, reason="Trying"),
        lambda s, who, _: s.switches.clear("writes", actor=who),
    ),
    Action.WEBHOOKS_CHANGE: (
        lambda s, who, _: s.webhooks.list(actor=who),
        lambda s, who, _: s.webhooks.add("ftp://nowhere", actor=who),
        lambda s, who, _: s.webhooks.deliveries("whk_none", actor=who),
        lambda s, who, _: s.webhooks.test("whk_none", actor=who),
        lambda s, who, _: s.webhooks.send_again("dlv_none", actor=who),
        lambda s, who, _: s.webhooks.switch("whk_none", active=False, actor=who),
        lambda s, who, _: s.webhooks.renew_secret("whk_none", actor=who),
        lambda s, who, _: s.webhooks.delete("whk_none", actor=who),
    ),
    Action.TOKENS_CHANGE: (
        lambda s, who, _: s.tokens.list(actor=who),
        lambda s, who, _: s.tokens.create(name="", role=Role.OPERATOR, actor=who),
        lambda s, who, _: s.tokens.revoke("tok_none", actor=who),
    ),
    Action.PEOPLE_READ: (
        lambda s, who, _: s.people.listed(actor=who),
        lambda s, who, _: s.people.groups(actor=who),
    ),
    Action.AUDIT_SEAL: (lambda s, who, _: s.audit.seal(reason=" ", actor=who),),
    Action.RETENTION_CHANGE: (lambda s, who, _: s.data_care.apply_retention(dry_run=True, actor=who),),
    Action.CUSTOMERS_ERASE: (_erase_nobody,),
    Action.DATA_BACKUP: (lambda s, who, _: s.data_care.back_up(Path(__file__), actor=who),),
    Action.TRACES_IMPORT: (
        lambda s, who, _: s.data_care.import_traces(Path("none.zip"), actor=who),
        lambda s, who, _: s.data_care.import_spans(Path(__file__), content="full", actor=who),
    ),
}


def place(services: Services, team: str, *, name: str) -> Place:
    """Submit for a team what there is to read, change and decide on."""
    who = Actor(name="somebody", role=Role.OPERATOR, team=team)
    queued = services.runs.submit(f"A question of {team}", actor=who)
    ended = services.runs.submit(f"An answered question of {team}", actor=who)
    now = utc_now()
    approval = Approval(
        id=f"apr_{team}_{name}", run_id=ended.id, segment=0, conversation_id=ended.conversation_id, call_id=name,
        tool="create_support_ticket", agent="Technical specialist", arguments={"title": "T"}, summary="A ticket",
        policy="Ask", submitted_by="somebody", team=team, status=ApprovalStatus.PENDING,
        execution=ExecutionStatus.NOT_STARTED, created_at=now, updated_at=now,
    )  # fmt: skip
    with services.records.begin() as tx:
        tx.runs.update(ended.id, status=RunStatus.COMPLETED, ended_at=now, reply="Dear customer")
        tx.approvals.add(approval)
    return Place(team, queued.id, ended.id, ended.conversation_id, approval.id)


def visible(services: Services, who: Actor) -> set[str]:
    """Return the ids of the runs, conversations and approvals that somebody finds in lists and by searching."""
    seen = services.as_seen_by(who)
    lists = [seen.runs.list(limit=1000), seen.runs.list(RunFilter(text="question"), limit=1000)]
    told = seen.conversations.list(ConversationFilter(), limit=1000)
    queue = [seen.approvals.list(limit=1000), seen.approvals.queue(QueueFilter(), limit=1000).approvals]
    return {item.id for found in (*lists, told, *queue) for item in found}
