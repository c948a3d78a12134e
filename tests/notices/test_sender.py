"""What becomes of a notice, against a receiver that really listens."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from storage.records import Records
from tests.notices.receiver import KIM, LOCAL, NOW, Receiver, deliveries, make_sender
from triage.domain import DeliveryStatus, NoticeTopic
from triage.errors import Conflict
from triage.notices import notify
from triage.notices.sender import KEPT_FOR, MAX_ATTEMPTS, PER_WEBHOOK, TAKEN_FOR, NoticeSender
from triage.notices.webhooks import NewWebhook, WebhookService

SUBJECT = {"id": "apr_1", "tool": "process_refund", "summary": "Refund $34.99 for order 1002", "status": "pending"}


def tell(records: Records, topic: str = "approval.new", **more: Any) -> None:
    with records.begin() as tx:
        notify(tx, topic, {**SUBJECT, **more}, now=NOW)


def test_a_notice_is_delivered_once(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender
) -> None:
    tell(records)
    assert sender.deliver_due(NOW) == 1
    assert sender.deliver_due(NOW + timedelta(days=1)) == 0
    (got,) = receiver.received
    assert (got.path, got.json["topic"], got.json["approval"]["id"]) == ("/hook", "approval.new", "apr_1")
    assert got.json["link"] == "https://desk.example.com/approvals?approval=apr_1"
    assert got.headers["host"] == receiver.url.split("/")[2]
    (kept,) = deliveries(records, hook.webhook)
    assert (kept.status, kept.attempts, kept.delivered_at) == (DeliveryStatus.DELIVERED, 1, NOW)
    assert got.headers["webhook-id"] == kept.id


def test_a_notice_of_a_transaction_that_failed_is_not_sent(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender
) -> None:
    def fail() -> None:
        with records.begin() as tx:
            notify(tx, "approval.new", SUBJECT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sender.deliver_due() == 0
    assert receiver.received == []


def test_an_error_of_the_receiver_is_tried_again_later(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender
) -> None:
    receiver.answers = [500]
    tell(records)
    assert sender.deliver_due(NOW) == 1
    (kept,) = deliveries(records, hook.webhook)
    assert (kept.status, kept.last_error) == (DeliveryStatus.PENDING, "It answered 500.")
    assert sender.deliver_due(NOW + timedelta(seconds=14)) == 0
    assert sender.deliver_due(NOW + timedelta(seconds=15)) == 1
    (kept,) = deliveries(records, hook.webhook)
    assert (kept.status, kept.attempts, kept.last_error) == (DeliveryStatus.DELIVERED, 2, None)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_a_receiver_can_say_when_to_come_again(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender
) -> None:
    receiver.answers = [(429, {"retry-after": "600"})]
    tell(records)
    sender.deliver_due(NOW)
    assert deliveries(records, hook.webhook)[0].next_at == NOW + timedelta(seconds=600)


def test_a_receiver_that_hangs_is_given_up_for_now(records: Records, hook: NewWebhook, receiver: Receiver) -> None:
    receiver.answers = ["hang"]
    tell(records)
    make_sender(records, timeout_s=0.2).deliver_due(NOW)
    (kept,) = deliveries(records, hook.webhook)
    assert (kept.status, kept.last_error) == (DeliveryStatus.PENDING, "No answer within 0.2 s.")


def test_a_receiver_that_is_not_there_is_tried_again(records: Records, webhooks: WebhookService) -> None:
    with socket.create_server((LOCAL, 0)) as server:
        port = server.getsockname()[1]
    hook = webhooks.add(f"http://{LOCAL}:{port}/secret-path", actor=KIM)
    tell(records)
    make_sender(records).deliver_due(NOW)
    (kept,) = deliveries(records, hook.webhook)
    assert kept.status is DeliveryStatus.PENDING
    assert kept.last_error == "The connection failed (ConnectError)."


def test_a_receiver_that_is_gone_gets_no_more(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender, webhooks: WebhookService
) -> None:
    receiver.answers = [410]
    tell(records)
    with records.begin() as tx:
        notify(tx, "approval.new", SUBJECT, now=NOW + timedelta(hours=1))
    sender.deliver_due(NOW)
    (state,) = webhooks.list(actor=KIM)
    assert (state.webhook.is_active, state.dead, state.waiting) == (False, 2, 0)
    tell(records)
    assert sender.deliver_due(NOW + timedelta(days=1)) == 0
    with records.read() as tx:
        assert [entry.action for entry in tx.audit.list()] == ["webhook.added", "webhook.switched_off"]
    assert len(receiver.received) == 1


def test_what_was_taken_beside_a_gone_answer_counts_as_taken(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender
) -> None:
    receiver.answers = [410, 200]
    tell(records)
    tell(records)
    sender.deliver_due(NOW)
    statuses = {kept.status for kept in deliveries(records, hook.webhook)}
    assert statuses == {DeliveryStatus.DEAD, DeliveryStatus.DELIVERED}


def test_a_redirect_is_not_followed(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender
) -> None:
    receiver.answers = [(307, {"location": receiver.url.replace("/hook", "/inside")})]
    tell(records)
    sender.deliver_due(NOW)
    assert [got.path for got in receiver.received] == ["/hook"]
    (kept,) = deliveries(records, hook.webhook)
    assert kept.status is DeliveryStatus.PENDING
    assert "redirects are not followed" in kept.last_error


def test_after_the_last_try_a_notice_is_a_dead_letter_that_can_be_sent_again(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender, webhooks: WebhookService
) -> None:
    receiver.answers = [500] * MAX_ATTEMPTS
    tell(records)
    at = NOW
    for _ in range(MAX_ATTEMPTS):
        assert sender.deliver_due(at) == 1
        at = deliveries(records, hook.webhook)[0].next_at
    (dead,) = webhooks.deliveries(hook.webhook.id, actor=KIM, statuses=[DeliveryStatus.DEAD])
    assert dead.attempts == MAX_ATTEMPTS
    assert sender.deliver_due(at + timedelta(days=1)) == 0
    webhooks.send_again(dead.id, actor=KIM)
    with pytest.raises(Conflict):
        webhooks.send_again(dead.id, actor=KIM)
    assert sender.deliver_due() == 1
    assert deliveries(records, hook.webhook)[0].status is DeliveryStatus.DELIVERED
    assert {got.headers["webhook-id"] for got in receiver.received} == {dead.id}


def test_waits_grow_and_are_bounded(records: Records) -> None:
    calm, hasty = make_sender(records, jitter=lambda: 1.0), make_sender(records, jitter=lambda: 0.0)
    waits = [make_sender(records).wait_s(tries) for tries in range(1, MAX_ATTEMPTS)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (15.0, 7200.0)
    assert sum(waits) > timedelta(hours=7).total_seconds()
    assert (hasty.wait_s(1), calm.wait_s(1), calm.wait_s(99)) == (11.25, 18.75, 7200.0)
    assert calm.wait_s(1, retry_after_s=999_999) == 7200.0


def test_one_receiver_does_not_take_the_turns_of_another(
    records: Records, hook: NewWebhook, webhooks: WebhookService, receiver: Receiver, sender: NoticeSender
) -> None:
    for _ in range(PER_WEBHOOK + 3):
        tell(records)
    late = webhooks.add(receiver.url + "/late", actor=KIM, topics=["approval.expired"])
    tell(records, "approval.expired")
    assert sender.deliver_due(NOW) == PER_WEBHOOK + 1
    assert deliveries(records, late.webhook)[0].status is DeliveryStatus.DELIVERED


def test_two_senders_do_not_send_the_same_notice(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender
) -> None:
    tell(records)
    tried = []
    receiver.on_request = lambda: tried.append(make_sender(records).deliver_due(NOW))
    sender.deliver_due(NOW)
    assert (tried, len(receiver.received)) == ([0], 1)


def test_a_webhook_that_is_deleted_while_sending_harms_nothing(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender, webhooks: WebhookService
) -> None:
    tell(records)
    receiver.on_request = lambda: webhooks.delete(hook.webhook.id, actor=KIM)
    assert sender.deliver_due(NOW) == 1
    assert webhooks.list(actor=KIM) == []


def test_a_notice_that_cannot_be_written_keeps_back_no_other(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender
) -> None:
    tell(records)
    with records.begin() as tx:
        (broken,) = tx.deliveries.list(hook.webhook.id)
        tx.deliveries.update(broken.id, body="no JSON")
    tell(records)
    sender.deliver_due(NOW)
    kept = {each.id: each for each in deliveries(records, hook.webhook)}
    assert kept.pop(broken.id).last_error.startswith("The notice could not be sent")
    assert [each.status for each in kept.values()] == [DeliveryStatus.DELIVERED]


def test_neither_body_nor_address_is_logged(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    receiver.answers = [500]
    tell(records, summary="Refund for Zoe Quill")
    with capture_logs() as lines:
        sender.deliver_due(NOW)
    assert [line["event"] for line in lines] == ["notice_not_taken"]
    written = f"{lines}{caplog.text}"
    assert "Quill" not in written
    assert "/hook" not in written


def test_what_was_delivered_long_ago_is_forgotten(records: Records, hook: NewWebhook, sender: NoticeSender) -> None:
    tell(records)
    sender.deliver_due(NOW)
    sender._prune(NOW + KEPT_FOR)
    assert len(deliveries(records, hook.webhook)) == 1
    sender._prune(NOW + KEPT_FOR + timedelta(hours=2))
    assert deliveries(records, hook.webhook) == []


def test_the_thread_sends_by_itself(
    records: Records, hook: NewWebhook, webhooks: WebhookService, receiver: Receiver, sender: NoticeSender
) -> None:
    sender.start()
    try:
        webhooks.test(hook.webhook.id, actor=KIM)
        (got,) = receiver.wait_for(1)
    finally:
        sender.close()
    assert got.json["topic"] == NoticeTopic.WEBHOOK_TEST
    assert deliveries(records, hook.webhook)[0].status is DeliveryStatus.DELIVERED


@pytest.mark.kill
def test_killed_between_sending_and_recording_it_sends_again_under_the_same_id(
    records: Records, hook: NewWebhook, receiver: Receiver, sender: NoticeSender, tmp_path: Path
) -> None:
    tell(records)
    victim = subprocess.Popen([sys.executable, "-c", _VICTIM, str(tmp_path / "triage.db"), NOW.isoformat()])
    receiver.on_request = lambda: os.kill(victim.pid, signal.SIGKILL)
    assert victim.wait(timeout=60) == -signal.SIGKILL
    receiver.on_request = None
    (kept,) = deliveries(records, hook.webhook)
    assert (kept.status, kept.attempts) == (DeliveryStatus.PENDING, 1)
    assert sender.deliver_due(NOW + TAKEN_FOR) == 1
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == kept.id
    assert first.body == second.body


_VICTIM = """
import sys
from datetime import datetime
from storage.records import Records, open_engine
from triage.notices.sender import NoticeSender

records = Records(open_engine(f"sqlite:///{sys.argv[1]}"), key=b"the key of the tests")
sender = NoticeSender(records=records, console_url="https://desk.example.com", allow=["127.0.0.1"])
sender.deliver_due(datetime.fromisoformat(sys.argv[2]))
"""
