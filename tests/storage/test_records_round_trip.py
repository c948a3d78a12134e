"""What goes into the records comes out equal, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import StatementError

from storage.records import Records
from triage.domain import (
    Correction,
    Escalation,
    Invoice,
    Refund,
    RunFailure,
    RunStatus,
    StoredState,
    Trip,
    Usage,
)
from triage.errors import Conflict, NotFound

ODD_TEXT = "Größe 😀 'quoted' \\ %_ \n привет"
# What a stream cut in the middle of a character, or a broken export, leaves in arguments and payloads.
ODD_JSON = {"half": "\ud83d", "nul": "a\u0000b", "nested": [{"n": 1.5, "none": None}], "text": ODD_TEXT}


def test_a_full_run_comes_back_equal(any_records: Records, make: SimpleNamespace) -> None:
    run = make.run(
        idempotency_key="k",
        status="completed",
        segment=2,
        message=ODD_TEXT,
        customer_email="alice@example.com",
        account_id="A-1",
        category="billing",
        urgency="critical",
        result=make.result(citations=[{"article_id": "a", "title": ODD_TEXT, "url": "/a"}], requires_human=True),
        reply="Hello",
        reply_edited_by="lee",
        reply_sent_at=make.now + timedelta(microseconds=1),
        reply_sent_by="lee",
        failure=RunFailure(code="x", message="y"),
        trip=Trip(guardrail="g", stage="tool_output", verdict="v", reason="r", customer_message="m"),
        usage=Usage(requests=3, input_tokens=10, cached_tokens=4, output_tokens=5, reasoning_tokens=1),
        cost_usd=Decimal("0.000000123456789012345"),
        unpriced_calls=1,
        turns=3,
        active_ms=5_000_000_000,
        models=["a", "b"],
        degraded=True,
        escalated=True,
        last_agent="Billing specialist",
        assigned_to="sam",
        retry_of="r0",
        started_at=make.now,
        ended_at=make.now,
    )
    with any_records.begin() as stores:
        stores.conversations.add(make.conversation())
        stores.runs.add(run)
        stores.runs.add(make.run(id="r2"))
    with any_records.read() as stores:
        assert stores.runs.get("r1") == run
        assert stores.runs.find_by_key("k") == run
        assert stores.runs.get("r2") == make.run(id="r2")


def test_an_update_keeps_each_kind_of_field(with_run: Records, make: SimpleNamespace) -> None:
    changes = {
        "status": RunStatus.COMPLETED,
        "result": make.result(requires_human=True),
        "usage": Usage(requests=1),
        "cost_usd": Decimal("1.10"),
        "models": ["m"],
        "failure": None,
        "trip": Trip(guardrail="g", stage="input", verdict="v", reason="r", customer_message="m"),
        "ended_at": make.now,
        "updated_at": make.now + timedelta(seconds=1),
    }
    with with_run.begin() as stores:
        returned = stores.runs.update("r1", **changes)
    with with_run.read() as stores:
        assert stores.runs.get("r1") == returned == make.run(**changes)


def test_times_come_back_in_utc_whatever_zone_they_were_in(any_records: Records, make: SimpleNamespace) -> None:
    local = make.now.astimezone(timezone(timedelta(hours=-7)))
    with any_records.begin() as stores:
        stores.conversations.add(make.conversation(created_at=local))
    with any_records.read() as stores:
        created_at = stores.conversations.get("c1").created_at
    assert created_at == make.now
    assert created_at.utcoffset() == timedelta(0)


def test_a_time_without_zone_is_refused(any_records: Records, make: SimpleNamespace) -> None:
    with pytest.raises((StatementError, ValueError), match="without a time zone"), any_records.begin() as stores:
        stores.conversations.add(make.conversation(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_arguments_and_payloads_keep_every_character(with_run: Records, make: SimpleNamespace) -> None:
    approval = make.approval(
        arguments=ODD_JSON, decided_arguments={"a": ODD_TEXT}, decided_at=make.now, reason=ODD_TEXT
    )
    with with_run.begin() as stores:
        stores.approvals.add(approval)
        stores.events.append("r1", [make.event("a", payload=ODD_JSON, duration_ms=7)])
    with with_run.read() as stores:
        assert stores.approvals.get("p1") == approval
        assert stores.approvals.find("none") is None
        [event] = stores.events.list("r1")
    assert (event.payload, event.duration_ms) == (ODD_JSON, 7)


def test_messages_come_back_in_the_order_of_writing(any_records: Records, make: SimpleNamespace) -> None:
    later = make.now + timedelta(minutes=1)
    with any_records.begin() as stores:
        stores.conversations.add(make.conversation())
        stores.conversations.add(make.conversation(id="c2"))
        for name in ("z", "a", "m"):
            stores.conversations.add_message(make.message(id=name, created_at=later))
    with any_records.read() as stores:
        assert [message.id for message in stores.conversations.messages("c1")] == ["z", "a", "m"]
        assert stores.conversations.messages("c1")[0] == make.message(id="z", created_at=later)
        assert stores.conversations.messages("c2") == []
        assert stores.conversations.get("c1").updated_at == later


def test_a_conversation_can_be_changed(any_records: Records, make: SimpleNamespace) -> None:
    with any_records.begin() as stores:
        stores.conversations.add(make.conversation())
        changed = stores.conversations.update("c1", subject="New")
    assert changed.subject == "New"
    assert changed.updated_at > make.now
    with any_records.read() as stores:
        assert stores.conversations.find("c1") == changed
        assert stores.conversations.find("c2") is None


def test_a_message_needs_its_conversation(any_records: Records, make: SimpleNamespace) -> None:
    with pytest.raises(NotFound), any_records.begin() as stores:
        stores.conversations.add_message(make.message())


def test_states_come_back_character_by_character(with_run: Records, make: SimpleNamespace) -> None:
    state = StoredState(
        run_id="r1",
        segment=1,
        state='{"b": 1,  "a": "ü"}',
        facts={"k": [1]},
        signature="s",
        sdk_version="1",
        schema_version="2",
        tools_fingerprint="f",
        created_at=make.now,
    )
    newer = state.model_copy(update={"state": "{}", "signature": "t"})
    with with_run.begin() as stores:
        stores.states.put(state)
    with with_run.begin() as stores:
        assert stores.states.get("r1", 1) == state
        stores.states.put(newer)
    with with_run.read() as stores:
        assert stores.states.get("r1", 1) == newer
        with pytest.raises(NotFound):
            stores.states.get("r1", 2)


def test_outcomes_of_steps_come_back_by_segment(with_run: Records) -> None:
    outcomes = {"model:1": ODD_JSON, "tool:2": None, "tool:3": ["text", 1]}
    with with_run.begin() as stores:
        for key, outcome in outcomes.items():
            stores.steps.put("r1", 1, key, outcome)
    with with_run.read() as stores:
        assert stores.steps.load("r1", 1) == outcomes
        assert stores.steps.load("r1", 0) == {}


def test_an_account_comes_back_with_its_invoices_newest_first(any_records: Records, make: SimpleNamespace) -> None:
    invoices = [
        Invoice(number=f"I-{n}", issued_at=make.now - timedelta(days=n), amount_usd=Decimal("10.10"), status="paid")
        for n in range(3)
    ]
    with any_records.begin() as stores:
        stores.accounts.add(make.account(invoices=invoices[::-1]))
        stores.accounts.add(make.account(id="a2"))
    with any_records.read() as stores:
        assert stores.accounts.get("a1") == make.account(invoices=invoices)
        assert [account.id for account in stores.accounts.list()] == ["a1", "a2"]
        assert stores.accounts.list()[1].invoices == []
        assert stores.accounts.find("a3") is None


def test_what_a_run_leaves_comes_back_equal(with_run: Records, make: SimpleNamespace) -> None:
    why = {"reason": ODD_TEXT, "urgency": "high", "created_by": "x", "created_at": make.now}
    escalation = Escalation(id="e1", run_id="r1", key="k", conversation_id="c1", **why)
    correction = Correction(
        id="x1", run_id="r1", field="urgency", before=None, after="low", corrected_by="lee", corrected_at=make.now
    )
    refund = Refund(
        id="f1", order_id="o1", run_id="r1", call_id="k", amount_usd=Decimal("34.99"), reason="r", created_at=make.now
    )
    with with_run.begin() as stores:
        stores.orders.add(make.order())
        stores.tickets.add(make.ticket())
        stores.escalations.add(escalation)
        stores.corrections.add(correction)
        stores.orders.add_refund(refund)
    with with_run.read() as stores:
        assert stores.orders.find("o1") == make.order()
        assert stores.orders.refunds("o1") == [refund]
        assert (
            stores.tickets.list_of_run("r1") == stores.tickets.list() == [stores.tickets.get("k1")] == [make.ticket()]
        )
        assert stores.escalations.list_of_run("r1") == [escalation]
        assert stores.corrections.list_of_run("r1") == [correction]


def test_notes_are_kept_and_replaced(any_records: Records) -> None:
    with any_records.begin() as stores:
        assert stores.notes.get("k") is None
        stores.notes.put("k", "1")
        stores.notes.put("k", "2")
    with any_records.read() as stores:
        assert stores.notes.get("k") == "2"


@pytest.mark.parametrize("store", ["conversations", "runs", "approvals", "accounts", "tickets"])
def test_an_unknown_id_is_named_in_a_sentence(any_records: Records, store: str) -> None:
    with any_records.read() as stores, pytest.raises(NotFound, match=r"^There is no \w+ nobody\.$"):
        getattr(stores, store).get("nobody")


def test_the_same_id_twice_is_a_conflict_without_the_text(any_records: Records, make: SimpleNamespace) -> None:
    secret = make.conversation(subject="my card is 4111")
    with any_records.begin() as stores:
        stores.conversations.add(secret)
    with pytest.raises(Conflict) as caught, any_records.begin() as stores:
        stores.conversations.add(secret)
    assert "4111" not in str(caught.value)
    assert caught.value.__suppress_context__
