"""Decisions and corrections as the records count them, against the same sums in plain Python."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from storage.records import Records
from triage.domain import Actor, Approval, Correction, NewAuditEntry, Role, Run
from triage.domain.people_measures import ApprovalFigures
from triage.domain.traces import MeasureFilter, TimeRange
from triage.errors import DataFolderError
from triage.measures.service import MeasureService
from triage.measures.topics import PeopleTopic, Question

CATEGORIES = ("billing", "technical", "other")
TOOLS = ("process_refund", "cancel_order")
PEOPLE = ("rita", "sam")
HOUR = timedelta(hours=1)


class History:
    """A made-up history in the records, and the same in plain lists."""

    def __init__(self, make: SimpleNamespace, *, runs: int) -> None:
        self.make = make
        self.chance = random.Random(5)
        self.runs: list[Run] = []
        self.said: dict[str, str] = {}
        self.approvals: list[Approval] = []
        self.claims: list[tuple[str, str, datetime]] = []
        self.corrections: list[Correction] = []
        for number in range(runs):
            self._add_run(number)

    def _add_run(self, number: int) -> None:
        chance = self.chance
        at = self.make.now - timedelta(minutes=chance.randrange(4 * 60))
        said = chance.choice(CATEGORIES)
        labels = [said, *(chance.choice(CATEGORIES) for _ in range(chance.choice((0, 0, 1, 2))))]
        run = self.make.run(
            id=f"run{number}",
            message="word " * chance.randrange(10, 200),
            category=labels[-1],
            customer_email=chance.choice(("Ann@acme.example", "bob@acme.example")),
            models=[chance.choice(("gpt-5.4", "gpt-5.4-mini"))],
            last_agent="Triage agent",
            created_at=at,
        )
        self.runs.append(run)
        self.said[run.id] = said
        for place, (before, after) in enumerate(pairwise(labels)):
            self.corrections.append(
                Correction(
                    id=f"c{number}-{place}", run_id=run.id, field="category", before=before, after=after,
                    corrected_by="olga", corrected_at=at + timedelta(minutes=place),
                )
            )  # fmt: skip
        if chance.random() < 0.7:
            self._add_approval(run)

    def _add_approval(self, run: Run) -> None:
        chance, who = self.chance, self.chance.choice(PEOPLE)
        status = chance.choice(("approved", "approved", "edited", "rejected", "expired", "pending"))
        claimed = run.created_at + timedelta(seconds=chance.randrange(5, 600))
        decided = claimed + timedelta(seconds=chance.randrange(1, 90))
        fields: dict[str, Any] = (
            {"decided_by": who, "decided_at": decided} if status[:4] in ("appr", "edit", "reje") else {}
        )
        approval = self.make.approval(
            id=f"a{run.id}", run_id=run.id, tool=chance.choice(TOOLS), status=status, created_at=run.created_at,
            mode="auto" if chance.random() < 0.15 else "approval", summary="Refund this order", **fields,
        )  # fmt: skip
        self.approvals.append(approval)
        if chance.random() < 0.6:
            self.claims.append((approval.id, chance.choice(PEOPLE), claimed - timedelta(seconds=4)))
            self.claims.append((approval.id, who, claimed))

    def write(self, records: Records) -> None:
        with records.begin() as tx:
            tx.conversations.add(self.make.conversation())
            for run in self.runs:
                tx.runs.add(run)
            for correction in self.corrections:
                tx.corrections.add(correction)
            for approval in self.approvals:
                tx.approvals.add(approval)
            for approval_id, who, at in self.claims:
                tx.audit.add(
                    NewAuditEntry(
                        at=at, actor=who, role=Role.REVIEWER, action="approval.claimed", subject_kind="approval",
                        subject_id=approval_id,
                    )
                )  # fmt: skip

    def run_of(self, approval: Approval) -> Run:
        return next(run for run in self.runs if run.id == approval.run_id)


def expected(history: History, asked: list[Approval]) -> dict[str, Any]:
    """Return the figures of some approvals, counted one by one."""
    waits, hands, claims, hurried = [], [], [], 0
    for approval in asked:
        own = [claim for claim in history.claims if claim[0] == approval.id]
        if own:
            claims.append((own[0][2] - approval.created_at).total_seconds() * 1000)
        if approval.status.value not in ("approved", "edited", "rejected"):
            continue
        assert approval.decided_at is not None
        waits.append((approval.decided_at - approval.created_at).total_seconds() * 1000)
        begun = [at for _, who, at in own if who == approval.decided_by] or [approval.created_at]
        hand = (approval.decided_at - begun[-1]).total_seconds()
        hands.append(hand * 1000)
        # Three words of the summary, two of the sentence of the rule, and the number of the order.
        words = len(history.run_of(approval).message.split()) + 3 + 2 + 1
        hurried += hand < words / 4
    statuses = Counter(approval.status.value for approval in asked)
    return {
        "asked": len(asked),
        **{name: statuses[name] for name in ("approved", "edited", "rejected", "expired")},
        "open": statuses["pending"],
        "hurried": hurried,
        "to_claim": quantiles(claims),
        "to_decide": quantiles(waits),
        "in_hand": quantiles(hands),
    }


def quantiles(values: list[float]) -> tuple[float, ...]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return (len(values), *(round(cuts[place], 3) for place in (49, 94, 98)))


def found(figures: ApprovalFigures) -> dict[str, Any]:
    counts = {
        name: getattr(figures, name)
        for name in ("asked", "approved", "edited", "rejected", "expired", "open", "hurried")
    }
    times = {}
    for name in ("to_claim", "to_decide", "in_hand"):
        of = getattr(figures, name)
        times[name] = (of.count, *(round(ms, 3) for ms in (of.p50_ms, of.p95_ms, of.p99_ms)))
    return counts | times


@pytest.fixture
def history(any_records: Records, make: SimpleNamespace) -> History:
    made = History(make, runs=150)
    made.write(any_records)
    return made


def ask(records: Records, question: Question, *, name: str = "mia", role: Role = Role.MANAGER) -> PeopleTopic:
    return MeasureService(traces=None, records=records).people(question, actor=Actor(name=name, role=role))


def test_decisions_are_counted_as_one_would_by_hand(any_records: Records, history: History) -> None:
    now = history.make.now
    time_range = TimeRange(start=now - 2 * HOUR, end=now)
    people = ask(any_records, Question(time_range=time_range, step=HOUR))
    in_range = [approval for approval in history.approvals if time_range.start <= approval.created_at < time_range.end]
    asked = [approval for approval in in_range if approval.mode != "auto"]
    assert people.let_pass == len(in_range) - len(asked) > 0
    assert found(people.approvals) == expected(history, asked)
    assert {figures.name: found(figures) for figures in people.tools} == {
        tool: expected(history, [approval for approval in asked if approval.tool == tool]) for tool in TOOLS
    }
    by_people = [approval for approval in asked if approval.status.value in ("approved", "edited", "rejected")]
    assert {figures.name: found(figures) for figures in people.reviewers} == {
        who: expected(history, [approval for approval in by_people if approval.decided_by == who]) for who in PEOPLE
    }
    earlier = [
        approval
        for approval in history.approvals
        if now - 4 * HOUR <= approval.created_at < now - 2 * HOUR and approval.mode != "auto"
    ]
    assert people.approvals_before.asked == len(earlier) > 0


def test_labels_are_compared_with_what_the_agents_said(any_records: Records, history: History) -> None:
    now = history.make.now
    everything = TimeRange(start=now - 5 * HOUR, end=now + HOUR)
    people = ask(any_records, Question(time_range=everything, step=HOUR))
    pairs = Counter((history.said[run.id], str(run.category)) for run in history.runs)
    assert {(pair.said, pair.now): pair.runs for pair in people.category.pairs} == pairs
    assert people.category.corrected == sum(count for (said, label), count in pairs.items() if said != label) > 0
    assert people.urgency.runs == 0
    assert people.urgency.correction_rate is None


@pytest.mark.parametrize(
    "chosen",
    [
        MeasureFilter(categories=("billing",)),
        MeasureFilter(customer=" ann@ACME.example "),
        MeasureFilter(models=("gpt-5.4",)),
        MeasureFilter(agents=("Orders",), categories=("billing", "other")),
    ],
    ids=["category", "customer", "model", "agent"],
)
def test_a_filter_chooses_runs(any_records: Records, history: History, chosen: MeasureFilter) -> None:
    now = history.make.now
    question = Question(time_range=TimeRange(start=now - 5 * HOUR, end=now + HOUR), chosen=chosen, step=HOUR)

    def fits(run: Run) -> bool:
        customer = (chosen.customer or "").strip().lower()
        return (
            (not chosen.categories or run.category in chosen.categories)
            and (not customer or (run.customer_email or "").lower() == customer)
            and (not chosen.models or any(model in chosen.models for model in run.models))
        )

    asked = [a for a in history.approvals if a.mode != "auto" and fits(history.run_of(a))]
    people = ask(any_records, question)
    assert found(people.approvals) == expected(history, asked)
    # Approvals are asked for by "Orders", labels given by "Triage agent".
    labelled = [] if chosen.agents else [run for run in history.runs if fits(run)]
    assert people.category.runs == len(labelled)


def test_who_is_no_manager_sees_no_figures_of_others(any_records: Records, history: History) -> None:
    now = history.make.now
    question = Question(time_range=TimeRange(start=now - 5 * HOUR, end=now + HOUR), step=HOUR)
    seen = ask(any_records, question, name="rita", role=Role.REVIEWER)
    assert [figures.name for figures in seen.reviewers] == ["rita"]
    assert seen.approvals == ask(any_records, question).approvals


def test_nothing_asked_is_nothing_and_no_rate(any_records: Records, make: SimpleNamespace) -> None:
    people = ask(any_records, Question(time_range=TimeRange(start=make.now - HOUR, end=make.now), step=HOUR))
    assert people.approvals == ApprovalFigures(name=None)
    assert people.approvals.approval_rate is None
    assert (people.tools, people.reviewers) == ([], [])


def test_records_that_cannot_be_read_are_said_in_a_sentence(records: Records, make: SimpleNamespace) -> None:
    with records.begin() as tx:
        tx.connection.exec_driver_sql("alter table corrections rename to gone")
    with pytest.raises(DataFolderError, match="cannot be read"):
        ask(records, Question(time_range=TimeRange(start=make.now - HOUR, end=make.now), step=HOUR))
