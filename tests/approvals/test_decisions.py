"""Claims and decisions: who may, once, in time, and what is kept of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.approvals.conftest import OLGA, RITA, SAM, Bench
from triage.access.tokens import TokenService
from triage.approvals.exact import hash_of_call
from triage.approvals.policies import PolicyDocument
from triage.domain import Actor, Approval, ApprovalStatus, ExecutionStatus, Mode, RejectCode, Role, RunStatus
from triage.errors import Conflict, InvalidInput, NotAllowed


def test_an_approval_lets_the_run_go_on_with_the_very_arguments_that_were_shown(bench: Bench) -> None:
    [asked] = bench.asks()
    decided = bench.approvals.approve(asked.id, actor=RITA)
    assert (decided.status, decided.decided_by, decided.decided_arguments) == ("approved", "rita", asked.arguments)
    assert decided.arguments_hash == hash_of_call(asked.tool, asked.call_id, asked.arguments)
    assert (bench.run().status, bench.run().segment) == (RunStatus.QUEUED, 1)
    assert bench.queue.times == 1
    assert bench.audited() == ["approval.approved"]
    assert bench.told == [("approval.decided", asked.id)]


def test_a_run_goes_on_when_its_last_call_is_decided(bench: Bench) -> None:
    first, second, third = bench.asks(calls=3)
    bench.approvals.reject(second.id, actor=SAM, reason="Known outage.", code=RejectCode.DONE_ALREADY)
    bench.approvals.approve(third.id, actor=RITA)
    assert bench.run().status is RunStatus.AWAITING_APPROVAL
    bench.approvals.edit(first.id, actor=RITA, arguments={**first.arguments, "priority": "high"}, reason="Not that bad")
    assert bench.run().status is RunStatus.QUEUED
    assert [item.status for item in bench.approvals.list_of_run("r1")] == ["edited", "rejected", "approved"]


def test_edited_arguments_are_kept_beside_the_proposed_ones(bench: Bench) -> None:
    [asked] = bench.asks()
    final = {"title": "Projects empty after update", "priority": "high"}
    edited = bench.approvals.edit(asked.id, actor=RITA, arguments=final, reason="Clearer title")
    assert (edited.arguments, edited.decided_arguments) == (asked.arguments, final)
    assert edited.arguments_hash == hash_of_call(asked.tool, asked.call_id, final)
    assert edited.reason == "Clearer title"


def test_arguments_that_break_the_tools_rules_are_refused_and_nothing_is_decided(bench: Bench) -> None:
    [asked] = bench.asks()
    with pytest.raises(InvalidInput, match="title"):
        bench.approvals.edit(asked.id, actor=RITA, arguments={"title": " ", "priority": "high"})
    assert bench.approvals.get(asked.id) == asked
    assert bench.audited() == []


def test_an_edit_that_changes_nothing_is_an_approval(bench: Bench) -> None:
    [asked] = bench.asks()
    assert bench.approvals.edit(asked.id, actor=RITA, arguments=asked.arguments).status is ApprovalStatus.APPROVED


@pytest.mark.parametrize(
    "decide",
    [
        lambda service, asked, actor: service.approve(asked, actor=actor),
        lambda service, asked, actor: service.edit(asked, actor=actor, arguments={"title": "x", "priority": "low"}),
        lambda service, asked, actor: service.reject(asked, actor=actor, reason="no"),
        lambda service, asked, actor: service.claim(asked, actor=actor),
    ],
)
def test_operators_decide_nothing(bench: Bench, decide: Callable[[Any, str, Actor], Approval]) -> None:
    [asked] = bench.asks()
    with pytest.raises(NotAllowed, match="role reviewer"):
        decide(bench.approvals, asked.id, OLGA)
    assert bench.approvals.get(asked.id) == asked


def test_whoever_submitted_the_message_may_reject_what_it_sets_going_but_not_approve_it(bench: Bench) -> None:
    [asked] = bench.asks()
    olga = Actor(name="olga", role=Role.ADMIN)
    assert "another person decides" in str(bench.approvals.refusal(asked, actor=olga))
    with pytest.raises(NotAllowed, match="another person decides"):
        bench.approvals.approve(asked.id, actor=olga)
    assert bench.approvals.reject(asked.id, actor=olga, reason="My mistake").status is ApprovalStatus.REJECTED


def test_people_without_a_name_cannot_be_told_apart(bench: Bench) -> None:
    [asked] = bench.asks(submitted_by="local user")
    bench.approvals.approve(asked.id, actor=Actor(name="local user", role=Role.REVIEWER))


def program(bench: Bench, name: str, *, maker: Actor) -> Actor:
    """Return who acts with a token that somebody made."""
    tokens = TokenService(records=bench.records)
    return tokens.authenticate(tokens.create(name=name, role=Role.ADMIN, actor=maker)[1])


def test_nobody_decides_through_a_token_what_they_submitted_or_their_token_did(bench: Bench) -> None:
    ada, eve = Actor(name="ada", role=Role.ADMIN), Actor(name="eve", role=Role.ADMIN)
    helpdesk, reviews = program(bench, "helpdesk", maker=ada), program(bench, "reviews", maker=ada)
    [typed] = bench.asks("typed", submitted_by="ada")
    [sent] = bench.asks("sent", submitted_by=helpdesk.name)
    for asked, actor in ((typed, reviews), (sent, ada), (sent, reviews)):
        with pytest.raises(NotAllowed, match=f"You, as {asked.submitted_by}, submitted this message"):
            bench.approvals.approve(asked.id, actor=actor)
    assert bench.approvals.approve(typed.id, actor=program(bench, "other", maker=eve)).decided_by == "token:other"
    assert bench.approvals.approve(sent.id, actor=eve).decided_by == "eve"


def test_a_token_is_no_second_person_for_who_made_it_nor_for_their_other_tokens(bench: Bench) -> None:
    ada = Actor(name="ada", role=Role.ADMIN)
    one, two = program(bench, "one", maker=ada), program(bench, "two", maker=ada)
    below = program(bench, "below", maker=two)
    for first in (ada, one):
        [asked] = bench.asks(f"after {first.name}", mode=Mode.TWO_PEOPLE)
        bench.approvals.approve(asked.id, actor=first)
        for again in {ada, one, two, below} - {first}:
            with pytest.raises(NotAllowed, match=f"You, as {first.name}, have agreed already"):
                bench.approvals.approve(asked.id, actor=again)
        assert bench.approvals.approve(asked.id, actor=SAM).status is ApprovalStatus.APPROVED


def test_who_made_a_token_that_is_revoked_counts_as_well(bench: Bench) -> None:
    ada, eve = Actor(name="ada", role=Role.ADMIN), Actor(name="eve", role=Role.ADMIN)
    submitter = program(bench, "helpdesk", maker=ada)
    tokens = TokenService(records=bench.records)
    tokens.revoke(tokens.list(actor=ada)[0].id, actor=ada)
    program(bench, "helpdesk", maker=eve)
    [asked] = bench.asks(submitted_by=submitter.name)
    for maker in (ada, eve):
        assert "another person decides" in str(bench.approvals.refusal(asked, actor=maker))


def test_tokens_of_the_command_line_are_told_apart_but_are_not_two_people(bench: Bench) -> None:
    nameless = Actor(name="command line", role=Role.ADMIN)
    helpdesk, reviews = program(bench, "helpdesk", maker=nameless), program(bench, "reviews", maker=nameless)
    [asked] = bench.asks(submitted_by=helpdesk.name, mode=Mode.TWO_PEOPLE)
    assert "You submitted" in str(bench.approvals.refusal(asked, actor=helpdesk))
    bench.approvals.approve(asked.id, actor=reviews)
    with pytest.raises(NotAllowed, match="You, as token:reviews, have agreed already"):
        bench.approvals.approve(asked.id, actor=program(bench, "more", maker=nameless))


def test_two_people_have_to_agree_to_the_same_and_differ(bench: Bench) -> None:
    [asked] = bench.asks(mode=Mode.TWO_PEOPLE)
    first = bench.approvals.approve(asked.id, actor=RITA)
    assert (first.status, first.endorsed_by, first.decided_by) == (ApprovalStatus.PENDING, "rita", None)
    assert bench.run().status is RunStatus.AWAITING_APPROVAL
    with pytest.raises(NotAllowed, match="second person"):
        bench.approvals.approve(asked.id, actor=RITA)
    second = bench.approvals.approve(asked.id, actor=SAM)
    assert (second.status, second.endorsed_by, second.decided_by) == (ApprovalStatus.APPROVED, "rita", "sam")
    assert bench.audited() == ["approval.endorsed", "approval.approved"]


def test_a_second_person_who_changes_the_arguments_needs_a_third_look(bench: Bench) -> None:
    [asked] = bench.asks(mode=Mode.TWO_PEOPLE)
    bench.approvals.approve(asked.id, actor=RITA)
    changed = {**asked.arguments, "priority": "high"}
    again = bench.approvals.edit(asked.id, actor=SAM, arguments=changed)
    assert (again.status, again.endorsed_by) == (ApprovalStatus.PENDING, "sam")
    decided = bench.approvals.approve(asked.id, actor=RITA)
    assert (decided.status, decided.decided_arguments) == (ApprovalStatus.EDITED, changed)


def test_one_person_is_enough_to_reject_what_two_have_to_agree_to(bench: Bench) -> None:
    [asked] = bench.asks(mode=Mode.TWO_PEOPLE)
    bench.approvals.approve(asked.id, actor=RITA)
    assert bench.approvals.reject(asked.id, actor=RITA, reason="On second thought").status is ApprovalStatus.REJECTED


def test_a_claim_keeps_others_off_until_it_runs_out(bench: Bench) -> None:
    [asked] = bench.asks()
    bench.approvals.claim(asked.id, actor=RITA)
    for attempt in (bench.approvals.claim, bench.approvals.approve):
        with pytest.raises(Conflict, match="rita is on it until 09:10"):
            attempt(asked.id, actor=SAM)
    bench.later(minutes=9)
    bench.approvals.renew(asked.id, actor=RITA)
    bench.later(minutes=9)
    with pytest.raises(Conflict, match="rita is on it"):
        bench.approvals.claim(asked.id, actor=SAM)
    bench.later(minutes=2)
    with pytest.raises(Conflict, match="run out"):
        bench.approvals.renew(asked.id, actor=RITA)
    bench.timekeeper.tick()
    assert bench.approvals.get(asked.id).status is ApprovalStatus.PENDING
    assert bench.approvals.claim(asked.id, actor=SAM).claimed_by == "sam"
    assert bench.audited() == ["approval.claimed", "approval.released", "approval.claimed"]


def test_a_released_claim_is_free_for_the_next(bench: Bench) -> None:
    [asked] = bench.asks()
    bench.approvals.claim(asked.id, actor=RITA)
    assert bench.approvals.release(asked.id, actor=SAM).claimed_by == "rita"
    bench.approvals.release(asked.id, actor=RITA)
    assert bench.approvals.approve(asked.id, actor=SAM).decided_by == "sam"


def test_the_second_decision_reads_who_decided_what_and_when(bench: Bench) -> None:
    [asked] = bench.asks()
    bench.approvals.reject(asked.id, actor=RITA, reason="Known outage.")
    for attempt in (bench.approvals.approve, bench.approvals.claim):
        with pytest.raises(Conflict, match="already rejected by rita at 2026-03-04 09:00 UTC: Known outage"):
            attempt(asked.id, actor=SAM)


def test_of_many_who_decide_at_the_same_moment_one_does(bench: Bench) -> None:
    [asked] = bench.asks()
    together, told = threading.Barrier(6), []

    def decide(number: int) -> None:
        actor = Actor(name=f"person {number}", role=Role.REVIEWER)
        together.wait()
        try:
            decided = bench.approvals.approve if number % 2 else bench.approvals.claim
            told.append(decided(asked.id, actor=actor).status)
        except Conflict as conflict:
            told.append(str(conflict))

    people = [threading.Thread(target=decide, args=(number,)) for number in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    decided = bench.approvals.get(asked.id)
    assert sum(status is ApprovalStatus.APPROVED for status in told) <= 1
    assert bench.run().segment == (1 if decided.status is ApprovalStatus.APPROVED else 0)
    assert len(bench.audited()) == sum(isinstance(status, ApprovalStatus) for status in told)


def test_what_nobody_decides_in_time_is_rejected_and_cannot_be_decided_after(bench: Bench) -> None:
    [asked] = bench.asks()
    bench.approvals.claim(asked.id, actor=RITA)
    bench.later(hours=8)
    with pytest.raises(Conflict, match="expired at 2026-03-04 17:00 UTC"):
        bench.approvals.approve(asked.id, actor=RITA)
    bench.timekeeper.tick()
    expired = bench.approvals.get(asked.id)
    assert (expired.status, expired.decided_arguments) == (ApprovalStatus.EXPIRED, None)
    assert bench.run().status is RunStatus.QUEUED
    assert bench.told[-1] == ("approval.expired", asked.id)
    bench.timekeeper.tick()
    assert bench.audited() == ["approval.claimed", "approval.expired"]


def test_people_are_reminded_once_before_it_is_due_and_told_once_when_it_is(bench: Bench) -> None:
    [asked] = bench.asks()
    for minutes in (45, 6, 3, 6, 30):
        bench.later(minutes=minutes)
        bench.timekeeper.tick()
    assert bench.told == [("approval.due_soon", asked.id), ("approval.overdue", asked.id)]


class Strict(PolicyDocument):
    """Limits of $100 a decision, $150 a day and $120 a customer's day; priority low is denied, medium takes two."""

    def limit_problem(
        self, *, role: Role, amount_usd: Decimal, decided_today_usd: Decimal, customer_today_usd: Decimal
    ) -> str | None:
        if amount_usd > 100:
            return f"{role.value} may approve $100 at most."
        if decided_today_usd + amount_usd > 150:
            return "That is more than you may approve in a day."
        return "That is more than a customer gets in a day." if customer_today_usd + amount_usd > 120 else None

    def judge(self, call: Any) -> Any:
        verdict = super().judge(call)
        mode = {"low": Mode.DENY, "medium": Mode.TWO_PEOPLE}.get(call.arguments.get("priority"), verdict.mode)
        return verdict.model_copy(update={"mode": mode, "sentence": "Low tickets are not made."})


class StrictPolicy:
    def document(self) -> PolicyDocument:
        return Strict()


@pytest.mark.parametrize(
    ("amount", "before", "sentence"),
    [("101", [], "at most"), ("60", ["50", "50"], "in a day"), ("50", ["80"], "a customer gets"), ("40", ["80"], None)],
)
def test_money_limits_count_what_was_approved_on_the_day(
    records: Any, amount: str, before: list[str], sentence: str | None
) -> None:
    bench = Bench(records, policies=StrictPolicy())
    for number, earlier in enumerate(before):
        [asked] = bench.asks(f"e{number}", amount_usd=Decimal(earlier))
        bench.approvals.approve(asked.id, actor=RITA)
    [asked] = bench.asks(amount_usd=Decimal(amount))
    if sentence is None:
        bench.approvals.approve(asked.id, actor=RITA)
        return
    assert sentence in str(bench.approvals.refusal(asked, actor=RITA))
    with pytest.raises(NotAllowed, match=sentence):
        bench.approvals.approve(asked.id, actor=RITA)
    bench.later(days=1)
    if sentence != "at most":
        [tomorrow] = bench.asks("tomorrow", amount_usd=Decimal(amount), expires_at=None, due_at=None)
        bench.approvals.approve(tomorrow.id, actor=RITA)


def test_an_edit_is_judged_by_the_policy_again(records: Any) -> None:
    bench = Bench(records, policies=StrictPolicy())
    [asked] = bench.asks()
    with pytest.raises(InvalidInput, match="policy does not allow it"):
        bench.approvals.edit(asked.id, actor=RITA, arguments={"title": "x", "priority": "low"})
    endorsed = bench.approvals.edit(asked.id, actor=RITA, arguments={"title": "x", "priority": "medium"})
    assert (endorsed.mode, endorsed.status) == (Mode.TWO_PEOPLE, ApprovalStatus.PENDING)


def test_several_are_decided_each_on_its_own(bench: Bench) -> None:
    [one], [two], [three] = bench.asks("r1"), bench.asks("r2"), bench.asks("r3", submitted_by="rita")
    bench.approvals.reject(two.id, actor=SAM, reason="no")
    outcomes = bench.approvals.decide_many([one.id, two.id, three.id, "none"], actor=RITA, decision="approve")
    assert [outcome.problem is None for outcome in outcomes] == [True, False, False, False]
    assert "already rejected by sam" in str(outcomes[1].problem)
    assert "another person" in str(outcomes[2].problem)
    assert "no approval none" in str(outcomes[3].problem)


def test_a_question_is_answered_and_not_approved(bench: Bench) -> None:
    [asked] = bench.asks(kind="question", tool="ask_teammate", arguments={"question": "Is there an outage?"})
    with pytest.raises(InvalidInput, match="Write the answer"):
        bench.approvals.approve(asked.id, actor=RITA)
    answered = bench.approvals.answer(asked.id, actor=RITA, text="Yes, since 9.")
    assert answered.status is ApprovalStatus.APPROVED
    assert answered.decided_arguments == {"question": "Is there an outage?", "answer": "Yes, since 9."}
    [other] = bench.asks("r2")
    with pytest.raises(InvalidInput, match="asked no question"):
        bench.approvals.answer(other.id, actor=RITA, text="Yes")


def test_an_unknown_outcome_is_settled_by_a_person_once(bench: Bench) -> None:
    [asked] = bench.asks(status=ApprovalStatus.APPROVED, execution=ExecutionStatus.UNKNOWN)
    settled = bench.aftermath.reconcile(asked.id, actor=RITA, happened=True, note="The ticket is in the help desk.")
    assert settled.execution is ExecutionStatus.SUCCEEDED
    with pytest.raises(Conflict, match="known: succeeded"):
        bench.aftermath.reconcile(asked.id, actor=RITA, happened=False, note="No")
    assert bench.aftermath.mark_reversed(asked.id, actor=SAM, reason="Closed again").reversed_by == "sam"
    with pytest.raises(Conflict, match="sam has marked"):
        bench.aftermath.mark_reversed(asked.id, actor=RITA, reason="Again")
    assert bench.audited() == ["action.reconciled", "action.reversed"]
