"""The brief of one approval and the queue of all of them, over real records."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from storage.records import Records
from tests.approvals.conftest import ALICE, RITA, SAM, START, Bench
from tests.statements import asked_of
from triage.approvals.arguments import FieldKind, argument_fields
from triage.approvals.brief import BriefService, sentence_of, time_left
from triage.domain import (
    Account,
    Actor,
    ApprovalStatus,
    EventKind,
    ExecutionStatus,
    Lane,
    Message,
    Mode,
    NewEvent,
    Order,
    OrderStatus,
    QueueFilter,
    Refund,
    Urgency,
    utc_now,
)
from triage.errors import NotFound

REFUND: dict[str, Any] = {
    "tool": "process_refund",
    "rule": "refund",
    "arguments": {"order_id": "2", "reason": "broken"},
    "amount_usd": Decimal("69.98"),
}
FORM = {
    "properties": {
        "title": {"type": "string", "maxLength": 200},
        "description": {"type": "string"},
        "priority": {"enum": ["low", "high", "critical"], "type": "string"},
        "owner": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["title", "description", "priority"],
}


@pytest.fixture
def briefs(records: Records) -> BriefService:
    return BriefService(records)


def order(name: str = "2", *, email: str = ALICE) -> Order:
    return Order(
        id=name,
        customer_email=email,
        product="USB-C Hub",
        quantity=2,
        total_usd=Decimal("69.98"),
        status=OrderStatus.DELIVERED,
        created_at=START,
        delivered_at=utc_now() - timedelta(days=3),
    )


def know_alice(records: Records) -> None:
    """Give the customer an account, two orders and a refund on the older one; and somebody else an order."""
    with records.begin() as tx:
        tx.accounts.add(
            Account(id="A-1", name="Alice", email=ALICE, plan="Team", status="active", seats=3, created_at=START)
        )
        for known in (order(), order("1"), order("9", email="bob@example.com")):
            tx.orders.add(known)
        tx.orders.add_refund(
            Refund(
                id="R-1",
                order_id="1",
                run_id="old",
                call_id="c",
                amount_usd=Decimal(5),
                reason="late",
                created_at=START,
            )
        )


def tell(records: Records, *events: tuple[EventKind, dict[str, Any]]) -> None:
    with records.begin() as tx:
        tx.events.append(
            "r1",
            [NewEvent(key=str(at), kind=kind, at=START, payload=said) for at, (kind, said) in enumerate(events)],
        )


def test_the_brief_says_what_happens_to_whom(bench: Bench, records: Records, briefs: BriefService) -> None:
    know_alice(records)
    [asked] = bench.asks(**REFUND)
    with records.begin() as tx:
        tx.conversations.add_message(
            Message(id="m", conversation_id="c-r1", author="customer", text="It broke", run_id=None, created_at=START)
        )
    brief = briefs.brief(asked.id)
    assert brief.sentence == "Refund $69.98 to alice@example.com for order 2 (2 of USB-C Hub)."
    assert brief.account is not None
    assert (brief.account.id, [item.id for item in brief.orders]) == ("A-1", ["1", "2"])
    assert [refund.order_id for refund in brief.refunds] == ["1"]
    assert brief.order is not None
    assert [check.text for check in brief.checks if not check.holds] == []
    assert [message.text for message in brief.messages] == ["It broke"]
    assert brief.run.id == "r1"
    assert not brief.can_edit


def test_the_order_of_another_customer_is_no_order_of_this_one(
    bench: Bench, records: Records, briefs: BriefService
) -> None:
    know_alice(records)
    [asked] = bench.asks(**{**REFUND, "arguments": {"order_id": "9", "reason": "x"}})
    brief = briefs.brief(asked.id)
    assert brief.order is None
    assert "does not have" in brief.sentence
    assert [(check.holds, check.text) for check in brief.checks] == [(False, "no such order of this customer")]


def test_passages_and_verdicts_come_from_the_story_of_the_run(
    bench: Bench, records: Records, briefs: BriefService
) -> None:
    [asked] = bench.asks()
    search = {"call_id": "s1", "tool": "search_knowledge_base"}
    found = [{"article_id": "a", "title": "T", "section": "S", "url": "https://kb.example/a", "excerpt": "E"}]
    verdict = {"guardrail": "Input check", "stage": "input", "verdict": "support", "reason": "fine"}
    tell(
        records,
        (EventKind.GUARDRAIL_PASSED, verdict),
        (EventKind.TOOL_CALLED, {**search, "arguments": {"query": "hub broken"}}),
        (EventKind.TOOL_COMPLETED, {**search, "output": json.dumps([*found, *found, {"no": "article"}, 7])}),
        (EventKind.TOOL_COMPLETED, {"call_id": "s2", "tool": "search_knowledge_base", "output": "not JSON"}),
        (EventKind.GUARDRAIL_TRIPPED, {**verdict, "guardrail": "Tool arguments", "tool": "process_refund"}),
    )
    brief = briefs.brief(asked.id)
    assert [(item.article_id, item.query) for item in brief.passages] == [("a", "hub broken")]
    assert [(item.guardrail, item.tripped, item.tool) for item in brief.verdicts] == [
        ("Input check", False, None),
        ("Tool arguments", True, "process_refund"),
    ]
    assert "events" not in brief.model_dump()
    json.dumps(brief.model_dump(mode="json"))


def test_past_decisions_are_of_people_on_the_same_tool_and_rule_and_near_in_money(
    bench: Bench, records: Records, briefs: BriefService
) -> None:
    for number, (amount, changes) in enumerate(
        [
            ("5", {}),
            ("70", {}),
            ("71", {"status": ApprovalStatus.REJECTED, "reason": "late"}),
            ("68", {"reversed_at": START, "reversed_by": "kim"}),
            ("900", {}),
            ("66", {}),
            ("69", {"mode": Mode.AUTO, "decided_by": "policy"}),
            ("69", {"rule": "another"}),
            ("69", {"status": ApprovalStatus.EXPIRED}),
            ("72", {}),
        ]
    ):
        decided = {"status": ApprovalStatus.APPROVED, "decided_by": "rita", "decided_at": START}
        bench.asks(f"old{number}", **{**REFUND, **decided, "amount_usd": Decimal(amount), **changes})
    [asked] = bench.asks(**REFUND)
    past = briefs.brief(asked.id).past
    assert sorted(str(decision.amount_usd) for decision in past) == ["66", "68", "70", "71", "72"]
    reversed_one = next(decision for decision in past if decision.reversed_by)
    assert (reversed_one.reversed_by, reversed_one.decided_by) == ("kim", "rita")


def test_the_other_actions_of_the_message_are_named(bench: Bench, briefs: BriefService) -> None:
    first, second, third = bench.asks(calls=3)
    bench.approvals.approve(third.id, actor=RITA)
    assert [other.id for other in briefs.brief(first.id).others] == [second.id]


def test_a_brief_takes_few_queries(bench: Bench, records: Records, briefs: BriefService) -> None:
    know_alice(records)
    [asked] = bench.asks(**REFUND)
    for number in range(10):
        bench.asks(f"old{number}", **REFUND)
    with asked_of(records) as reads:
        briefs.brief(asked.id)
    assert 5 < len(reads) <= 11, reads


def test_there_is_no_brief_of_nothing(briefs: BriefService) -> None:
    with pytest.raises(NotFound):
        briefs.brief("apr_none")


def test_time_left_counts_from_now_and_the_age_ends_with_the_decision(bench: Bench) -> None:
    [asked] = bench.asks()
    left = time_left(asked, now=START + timedelta(minutes=90))
    assert (left.age_ms, left.due_in_ms, left.expires_in_ms) == (5_400_000, -1_800_000, 23_400_000)
    decided = asked.model_copy(update={"decided_at": START + timedelta(minutes=1), "due_at": None})
    assert (time_left(decided, now=START + timedelta(days=9)).age_ms, time_left(decided, now=START).due_in_ms) == (
        60_000,
        None,
    )


def test_fields_have_the_kind_that_the_tools_schema_gives_them(bench: Bench) -> None:
    [asked] = bench.asks(arguments={"title": "T", "description": "D", "priority": "high", "extra": 1})
    fields = {field.name: field for field in argument_fields(asked, FORM)}
    assert {name: field.kind for name, field in fields.items()} == {
        "title": FieldKind.TEXT,
        "description": FieldKind.LONG_TEXT,
        "priority": FieldKind.CHOICE,
        "owner": FieldKind.TEXT,
        "extra": FieldKind.WHOLE_NUMBER,
    }
    assert fields["priority"].choices == ("low", "high", "critical")
    assert (fields["owner"].required, fields["title"].longest) == (False, 200)
    # What the schema does not know was proposed, and the tool never takes it.
    assert (fields["extra"].proposed, fields["extra"].validated) == (1, None)
    assert not any(field.is_changed for field in fields.values())


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("order_id", "2", FieldKind.ORDER),
        ("account_id", "A-1", FieldKind.ACCOUNT),
        ("email", ALICE, FieldKind.EMAIL),
        ("amount_usd", "3.10", FieldKind.MONEY),
        ("amount_usd", 3.1, FieldKind.MONEY),
        ("is_gift", True, FieldKind.YES_NO),
        ("share", 0.5, FieldKind.NUMBER),
        ("tags", ["a"], FieldKind.JSON),
        ("reason", "x", FieldKind.LONG_TEXT),
    ],
)
def test_without_a_schema_names_and_values_tell_the_kind(bench: Bench, name: str, value: Any, kind: FieldKind) -> None:
    [asked] = bench.asks(arguments={name: value})
    [field] = argument_fields(asked, None)
    assert (field.kind, field.validated) == (kind, None)


def test_each_stage_of_the_arguments_is_kept(bench: Bench, briefs: BriefService) -> None:
    [asked] = bench.asks(mode=Mode.TWO_PEOPLE)
    final = {**asked.arguments, "title": "Clearer"}
    bench.approvals.edit(asked.id, actor=RITA, arguments=final)
    title = next(field for field in briefs.brief(asked.id).fields if field.name == "title")
    assert (title.proposed, title.edited, title.decided, title.current) == ("Ticket 0", "Clearer", None, "Clearer")
    bench.approvals.approve(asked.id, actor=SAM)
    fields = {field.name: field for field in briefs.brief(asked.id).fields}
    assert (fields["title"].decided, fields["title"].is_changed) == ("Clearer", True)
    assert not fields["priority"].is_changed


def test_a_question_and_an_unknown_tool_are_said_as_they_are(bench: Bench) -> None:
    [question] = bench.asks(kind="question", tool="ask_teammate", arguments={"question": "Is\nthis   ok?"})
    assert sentence_of(question, None) == "Triage agent asks: Is this ok?"
    [odd] = bench.asks("r2", tool="unheard_of", summary="Call unheard_of")
    assert sentence_of(odd, None) == "Call unheard_of"


def test_the_queue_is_by_due_time_in_pages_with_counts(bench: Bench, briefs: BriefService) -> None:
    now = utc_now()
    for name, changes in {
        "late": {"due_at": now - timedelta(hours=1), "urgency": Urgency.CRITICAL},
        "soon": {"due_at": now + timedelta(minutes=5), "endorsed_by": "sam"},
        "never": {"due_at": None},
        "mine": {"due_at": now + timedelta(hours=9), "claimed_by": "rita", "status": ApprovalStatus.CLAIMED, **REFUND},
        "done": {"status": ApprovalStatus.APPROVED, "decided_by": "rita", "decided_at": now},
        "auto": {"status": ApprovalStatus.APPROVED, "decided_by": "policy", "decided_at": now, "mode": Mode.AUTO},
        "lost": {"status": ApprovalStatus.EDITED, "decided_at": now, "execution": ExecutionStatus.UNKNOWN},
    }.items():
        bench.asks(name, **changes)

    def shown(limit: int = 10, offset: int = 0, *, by: Actor = RITA, **wanted: Any) -> list[str]:
        view = briefs.queue(QueueFilter(**wanted), actor=by, limit=limit, offset=offset)
        return [approval.run_id for approval in view.approvals]

    assert shown() == ["late", "soon", "mine", "never"]
    assert (shown(2), shown(2, 2)) == (["late", "soon"], ["mine", "never"])
    assert shown(lane=Lane.DECIDED) == ["lost", "done"]
    assert shown(lane=Lane.DECIDED, person="rita") == ["done"]
    assert shown(lane=Lane.UNKNOWN) == ["lost"]
    assert shown(person="rita") == ["mine"]
    assert shown(tools=("process_refund",)) == ["mine"]
    assert shown(urgencies=(Urgency.CRITICAL,)) == ["late"]
    assert shown(due_before=now) == ["late"]
    view = briefs.queue(QueueFilter(), actor=RITA, limit=2)
    assert view.has_more
    assert view.counts.model_dump() == {
        "waiting": 4,
        "mine": 1,
        "overdue": 1,
        "escalated": 0,
        "half_decided": 1,
        "unknown": 1,
        "tools": {"create_support_ticket": 3, "process_refund": 1},
    }
