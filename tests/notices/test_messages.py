"""What is told of messages: how runs ended, which reply was sent, tickets, refunds; the words only where asked for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from storage.records import Records
from tests.notices.receiver import KIM, NOW, Receiver, deliveries, make_sender
from triage.domain import (
    EVENT_TOPICS,
    USUAL_TOPICS,
    Conversation,
    Message,
    Refund,
    Run,
    RunFailure,
    RunStatus,
    Ticket,
    Trip,
    utc_now,
)
from triage.errors import InvalidInput
from triage.notices import notify_refund, notify_reply, notify_run, notify_ticket
from triage.notices.webhooks import NewWebhook, WebhookService
from triage.runs.queue import ElsewhereQueue
from triage.runs.service import RunService

WORDS = "You find your invoices under Billing."
SECRET_WORDS = "My card is 4111."


@pytest.fixture
def hook(webhooks: WebhookService, receiver: Receiver) -> NewWebhook:
    return webhooks.add(receiver.url, actor=KIM, topics=EVENT_TOPICS)


@pytest.fixture
def carrying(webhooks: WebhookService, receiver: Receiver) -> NewWebhook:
    return webhooks.add(receiver.url, actor=KIM, topics=["reply.sent", "run.completed"], carries_text=True)


def _run(records: Records, **fields: Any) -> Run:
    usual = {"id": "run_1", "conversation_id": "cnv_1", "message_id": "m1", "status": "completed", "reply": WORDS}
    labels = {"category": "billing", "urgency": "low", "message": SECRET_WORDS, "submitted_by": "lee"}
    times = {"created_at": NOW, "updated_at": NOW, "trace_id": "t1"}
    run = Run(**{**usual, **labels, **times, **fields})
    talk = Conversation(id="cnv_1", customer_email=None, account_id=None, subject="s", created_at=NOW, updated_at=NOW)
    first = Message(id="m1", conversation_id="cnv_1", author="customer", text="x", run_id=None, created_at=NOW)
    with records.begin() as tx:
        tx.conversations.add(talk, first=first)
        tx.runs.add(run)
    return run


def test_new_webhooks_get_no_messages_unless_asked(webhooks: WebhookService, receiver: Receiver) -> None:
    webhook = webhooks.add(receiver.url, actor=KIM).webhook
    assert webhook.topics == USUAL_TOPICS
    assert not set(webhook.topics) & set(EVENT_TOPICS)
    assert not webhook.carries_text


@pytest.mark.parametrize(
    ("fields", "topic", "said"),
    [
        ({}, "run.completed", {"status": "completed", "category": "billing", "needs_person": False}),
        (
            {"status": "failed", "failure": RunFailure(code="max_turns", message="The agents did not end.")},
            "run.failed",
            {"status": "failed", "failure_code": "max_turns", "needs_person": True},
        ),
        (
            {
                "status": "blocked",
                "trip": Trip(
                    guardrail="secret", stage="output", verdict="secret", reason=SECRET_WORDS, customer_message="Sorry."
                ),
            },
            "run.blocked",
            {"guardrail": "secret", "verdict": "secret"},
        ),
    ],
)
def test_the_end_of_a_run_is_told_without_words(  # noqa: PLR0917
    records: Records, hook: NewWebhook, receiver: Receiver, fields: dict[str, Any], topic: str, said: dict[str, Any]
) -> None:
    run = _run(records, **fields)
    with records.begin() as tx:
        notify_run(tx, run)
    make_sender(records).deliver_due()
    (got,) = receiver.received
    assert got.json["topic"] == topic
    assert got.json["run"].items() >= said.items()
    assert got.json["link"] == "https://desk.example.com/?run=run_1"
    assert not any(words in got.body.decode() for words in (SECRET_WORDS, WORDS, "Sorry."))


@pytest.mark.parametrize("status", [status for status in RunStatus if not status.is_final] + [RunStatus.CANCELLED])
def test_what_has_not_ended_or_was_stopped_by_a_person_is_not_told(
    records: Records, hook: NewWebhook, status: RunStatus
) -> None:
    run = _run(records, status=status)
    with records.begin() as tx:
        notify_run(tx, run)
    assert deliveries(records, hook.webhook) == []


def test_a_sent_reply_reaches_who_carries_its_words(
    records: Records, hook: NewWebhook, carrying: NewWebhook, receiver: Receiver
) -> None:
    """The words are in no notice that waits; they are read when it is sent."""
    _run(records)
    runs = RunService(records=records, queue=ElsewhereQueue(), event_log=None, stop=lambda _: None)
    runs.mark_sent("run_1", actor=KIM)
    assert not any(WORDS in kept.body for each in (hook, carrying) for kept in deliveries(records, each.webhook))
    make_sender(records).deliver_due()
    bodies = [got.json for got in receiver.received]
    assert [body["topic"] for body in bodies] == ["reply.sent"] * 2
    assert sorted(body["run"].get("reply", "") for body in bodies) == ["", WORDS]
    assert {body["run"]["by"] for body in bodies} == {"Kim"}


def test_the_reply_that_was_sent_is_told_even_when_another_one_followed(
    records: Records, carrying: NewWebhook, receiver: Receiver
) -> None:
    _run(records)
    runs = RunService(records=records, queue=ElsewhereQueue(), event_log=None, stop=lambda _: None)
    runs.mark_sent("run_1", actor=KIM)
    runs.escalate("run_1", actor=KIM, reason="More is needed.")
    runs.mark_sent("run_1", actor=KIM, text="And here is more.")
    make_sender(records).deliver_due()
    assert sorted(got.json["run"]["reply"] for got in receiver.received) == ["And here is more.", WORDS]


def test_of_what_was_erased_no_words_are_sent(records: Records, carrying: NewWebhook, receiver: Receiver) -> None:
    run = _run(records)
    with records.begin() as tx:
        notify_run(tx, run)
        notify_reply(tx, run, reply_id="gone")
        tx.runs.update("run_1", reply=None)
    make_sender(records).deliver_due()
    assert [got.json["run"].get("reply") for got in receiver.received] == [None, None]


def test_erasing_the_conversation_takes_its_notices_along(records: Records, carrying: NewWebhook) -> None:
    run = _run(records)
    with records.begin() as tx:
        notify_run(tx, run)
        tx.retention.remove(["cnv_1"])
    assert deliveries(records, carrying.webhook) == []


def test_a_chat_carries_no_replies(webhooks: WebhookService, receiver: Receiver) -> None:
    with pytest.raises(InvalidInput, match="JSON only"):
        webhooks.add(receiver.url, actor=KIM, form="slack", topics=["reply.sent"], carries_text=True)


def test_tickets_and_refunds_are_told_without_their_reasons(
    records: Records, hook: NewWebhook, receiver: Receiver
) -> None:
    ticket = Ticket(
        id="T-1", run_id="run_1", call_id="c1", conversation_id="cnv_1", title="Title " + SECRET_WORDS,
        description=SECRET_WORDS, priority="high", category="technical", created_by="Technical specialist",
        created_at=NOW, external_id="4711", external_url="https://help.example.com/4711",
    )  # fmt: skip
    refund = Refund(
        id="R-1", order_id="2", run_id="run_1", call_id="c2", amount_usd=Decimal("69.98"), reason=SECRET_WORDS,
        created_at=NOW,
    )  # fmt: skip
    with records.begin() as tx:
        notify_ticket(tx, ticket)
        notify_refund(tx, refund, conversation_id="cnv_1", is_outside=True)
    make_sender(records).deliver_due()
    told = {got.json["topic"]: got.json for got in receiver.received}
    assert told["ticket.created"]["ticket"]["external_id"] == "4711"
    assert told["refund.approved"]["refund"]["amount_usd"] == "69.98"
    assert told["refund.approved"]["refund"]["orders_are"] == "outside"
    assert not any(SECRET_WORDS in got.body.decode() for got in receiver.received)
    assert {body["link"] for body in told.values()} == {"https://desk.example.com/?run=run_1"}


def test_a_chat_reads_what_happened_in_a_line(records: Records, webhooks: WebhookService, receiver: Receiver) -> None:
    webhooks.add(receiver.url, actor=KIM, form="slack", topics=EVENT_TOPICS)
    run = _run(records, status="failed", failure=RunFailure(code="max_turns", message="m"))
    with records.begin() as tx:
        notify_run(tx, run)
    make_sender(records).deliver_due(utc_now() + timedelta(seconds=1))
    (got,) = receiver.received
    assert got.json["text"] == "A run failed: billing, urgency low, max turns, a person has to look"
