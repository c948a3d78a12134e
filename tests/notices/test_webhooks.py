"""Who may change webhooks, what they get, and what is kept of it all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from storage.records import Records
from tests.notices.receiver import KIM, NOW, deliveries
from triage.domain import Actor, Approval, Role, WebhookFormat
from triage.errors import Conflict, InvalidInput, NotAllowed, NotFound
from triage.notices import approval_subject, notify, notify_approval
from triage.notices.message import message
from triage.notices.webhooks import MAX_WEBHOOKS, NewWebhook, WebhookService
from triage.stable_ids import action_key

MAX = Actor(name="Max", role=Role.MANAGER)
URL = "https://hooks.example.com/services/T0/very-secret"


@pytest.mark.parametrize(
    "action",
    [
        lambda service: service.add(URL, actor=MAX),
        lambda service: service.list(actor=MAX),
        lambda service: service.deliveries("x", actor=MAX),
        lambda service: service.test("x", actor=MAX),
        lambda service: service.send_again("x", actor=MAX),
        lambda service: service.switch("x", active=False, actor=MAX),
        lambda service: service.renew_secret("x", actor=MAX),
        lambda service: service.delete("x", actor=MAX),
    ],
)
def test_webhooks_are_for_administrators(webhooks: WebhookService, action: Callable[[Any], Any]) -> None:
    with pytest.raises(NotAllowed, match="role admin"):
        action(webhooks)


def test_the_secret_is_shown_once(webhooks: WebhookService, records: Records) -> None:
    new = webhooks.add(URL, actor=KIM)
    assert new.secret.startswith("whsec_")
    assert new.secret != webhooks.add(URL, actor=KIM).secret
    with records.read() as tx:
        kept = f"{tx.webhooks.list()}{tx.webhooks.get(new.webhook.id)}{tx.audit.list()}"
    assert new.secret not in kept


def test_every_change_is_in_the_audit_log_without_the_address(webhooks: WebhookService, records: Records) -> None:
    new = webhooks.add(URL, actor=KIM, topics=["approval.new"])
    webhooks.test(new.webhook.id, actor=KIM)
    webhooks.switch(new.webhook.id, active=False, actor=KIM)
    webhooks.switch(new.webhook.id, active=False, actor=KIM)
    webhooks.switch(new.webhook.id, active=True, actor=KIM)
    webhooks.send_again(deliveries(records, new.webhook)[0].id, actor=KIM)
    webhooks.delete(new.webhook.id, actor=KIM)
    with records.read() as tx:
        entries = tx.audit.list()
        assert tx.deliveries.list(new.webhook.id) == []
    words = ["added", "tested", "switched_off", "switched_on", "sent_again", "deleted"]
    assert [entry.action for entry in entries] == [f"webhook.{word}" for word in words]
    assert {entry.actor for entry in entries} == {"Kim"}
    assert entries[0].after == {
        "host": "hooks.example.com", "format": "json", "topics": ["approval.new"], "carries_text": False,
        "is_active": True,
    }  # fmt: skip
    assert "very-secret" not in str(entries)


def test_only_wanted_topics_of_active_webhooks_are_kept(webhooks: WebhookService, records: Records) -> None:
    decided = webhooks.add(URL, actor=KIM, topics=["approval.decided"]).webhook
    everything = webhooks.add(URL, actor=KIM).webhook
    off = webhooks.add(URL, actor=KIM).webhook
    webhooks.switch(off.id, active=False, actor=KIM)
    with records.begin() as tx:
        notify(tx, "approval.new", {"id": "a"}, now=NOW)
    assert [len(deliveries(records, hook)) for hook in (decided, everything, off)] == [0, 1, 0]


def test_an_approval_is_told_as_what_is_said_of_it(webhooks: WebhookService, records: Records) -> None:
    hook = webhooks.add(URL, actor=KIM).webhook
    with records.begin() as tx:
        notify_approval(tx, "approval.overdue", _approval())
    (kept,) = deliveries(records, hook)
    assert json.loads(kept.body)["approval"]["by"] == "Rita"


def test_what_a_webhook_was_to_get_ends_when_it_is_switched_off(webhooks: WebhookService) -> None:
    hook = webhooks.add(URL, actor=KIM).webhook
    webhooks.test(hook.id, actor=KIM)
    webhooks.switch(hook.id, active=False, actor=KIM)
    (state,) = webhooks.list(actor=KIM)
    assert (state.waiting, state.dead) == (0, 1)
    with pytest.raises(Conflict, match="switched off"):
        webhooks.test(hook.id, actor=KIM)


@pytest.mark.parametrize(
    "wrong", [{"form": "xml"}, {"topics": []}, {"topics": ["approval.new", "other"]}, {"topics": ["webhook.test"]}]
)
def test_what_cannot_be_sent_cannot_be_asked_for(webhooks: WebhookService, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        webhooks.add(URL, actor=KIM, **wrong)


def test_there_is_an_end_to_webhooks(webhooks: WebhookService) -> None:
    for _ in range(MAX_WEBHOOKS):
        webhooks.add(URL, actor=KIM)
    with pytest.raises(Conflict, match="delete one"):
        webhooks.add(URL, actor=KIM)


def test_what_is_gone_is_not_found(webhooks: WebhookService) -> None:
    for action in (webhooks.test, webhooks.delete, webhooks.send_again):
        with pytest.raises(NotFound):
            action("none", actor=KIM)


def test_an_unknown_topic_is_an_error_of_the_program(records: Records, webhooks: WebhookService) -> None:
    with records.begin() as tx, pytest.raises(ValueError, match="valid NoticeTopic"):
        notify(tx, "approval.other", {})


def _approval() -> Approval:
    return Approval(
        id="apr_1", run_id="r1", segment=0, conversation_id="c1", call_id="call1", tool="process_refund",
        agent="Billing specialist", arguments={"reason": "Zoe's words"}, summary="Refund $34.99 for order 1002",
        policy="p", amount_usd=Decimal("34.99"), status="approved", decided_by="Rita", reason="Zoe was charged twice",
        customer_email="zoe@example.com", due_at=datetime(2026, 3, 4, 9, 30, tzinfo=UTC), created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip


def test_a_notice_says_what_is_asked_and_nothing_of_the_customer(webhooks: WebhookService, records: Records) -> None:
    hook = webhooks.add(URL, actor=KIM).webhook
    subject = {**approval_subject(_approval()), "message": "Zoe wrote this", "arguments": {"reason": "Zoe's words"}}
    with records.begin() as tx:
        notify(tx, "approval.decided", subject, now=NOW)
    (kept,) = deliveries(records, hook)
    assert "zoe" not in kept.body.lower()
    sent = json.loads(message(kept.body, form=WebhookFormat.JSON, console_url="https://desk.example.com"))
    assert sent == {
        "topic": "approval.decided",
        "at": "2026-03-04T05:06:07Z",
        "approval": {
            "id": "apr_1", "run_id": "r1", "conversation_id": "c1", "idempotency_key": action_key("r1", "call1"),
            "kind": "action", "tool": "process_refund", "agent": "Billing specialist",
            "summary": "Refund $34.99 for order 1002", "amount_usd": "34.99",
            "urgency": "medium", "mode": "approval", "status": "approved", "escalated_to": None, "by": "Rita",
            "due_at": "2026-03-04T09:30:00Z", "expires_at": None,
        },
        "link": "https://desk.example.com/approvals?approval=apr_1",
    }  # fmt: skip


def _slack(topic: str, **subject: Any) -> Any:
    body = json.dumps({"topic": topic, "at": "2026-03-04T05:06:07Z", "approval": subject or None})
    return json.loads(message(body, form=WebhookFormat.SLACK, console_url="https://desk.example.com"))


def test_a_slack_message_has_words_a_link_and_the_facts() -> None:
    said = _slack(
        "approval.due_soon", id="apr_1", tool="process_refund", summary="Refund $34.99", amount_usd="34.99",
        urgency="high", mode="two_people", due_at="2026-03-04T09:30:00Z",
    )  # fmt: skip
    assert said["text"] == "Due soon and not decided: Refund $34.99"
    section, context = said["blocks"]
    assert section["text"]["text"].splitlines() == [
        "*Due soon and not decided*",
        "Refund $34.99",
        "<https://desk.example.com/approvals?approval=apr_1|Open it in the console>",
    ]
    assert context["elements"][0]["text"] == (
        "process_refund · $34.99 · urgency high · two people have to agree · due 2026-03-04 09:30 UTC"
    )


def test_a_slack_message_says_who_decided() -> None:
    said = _slack("approval.decided", id="apr_1", summary="Refund", status="rejected", by="Rita")
    assert said["text"] == "Rejected by Rita: Refund"


def test_nothing_in_a_slack_message_calls_people_or_links() -> None:
    nasty = "<!channel> <@U1> <https://evil.example|here> & more " + "x" * 5000
    said = _slack("approval.new", id="a|b><!here>", summary=nasty, by="<!here>", tool="<!here>")
    written = json.dumps(said)
    assert "<!" not in written
    assert "<@" not in written
    assert "<https://evil" not in written
    assert written.count("<https://desk.example.com/approvals?approval=a%7Cb%3E%3C%21here%3E|") == 1
    assert len(said["blocks"][0]["text"]["text"]) < 3000


def test_a_test_message_is_known_as_one() -> None:
    assert _slack("webhook.test")["text"].startswith("A test of the triage console")


def test_a_new_webhook_says_its_secret_to_nobody_who_prints_a_webhook(hook: NewWebhook) -> None:
    assert hook.secret not in repr(hook.webhook)
