"""Switches, webhooks and the outbox, on both databases."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from storage.records import Records
from triage.domain import Delivery, DeliveryStatus, Switch, Webhook
from triage.errors import Conflict, NotFound


def webhook(make: SimpleNamespace, id: str = "h1", **fields: Any) -> Webhook:  # noqa: A002
    usual = {"id": id, "url": "https://h.example", "format": "json", "topics": ["approval.new"], "created_by": "Kim"}
    return Webhook(**{**usual, "created_at": make.now, **fields})


def delivery(make: SimpleNamespace, id: str, **fields: Any) -> Delivery:  # noqa: A002
    usual = {"id": id, "webhook_id": "h1", "topic": "approval.new", "body": "{}"}
    return Delivery(**{**usual, "next_at": make.now, "created_at": make.now, **fields})


@pytest.fixture
def kept(any_records: Records, make: SimpleNamespace) -> Records:
    with any_records.begin() as tx:
        tx.webhooks.add(webhook(make), secret="s1")
        tx.webhooks.add(webhook(make, "h2", is_active=False), secret="s2")
        tx.deliveries.add_all([delivery(make, f"d{number}") for number in range(3)])
        tx.deliveries.add_all([delivery(make, "other", webhook_id="h2")])
        tx.deliveries.add_all([delivery(make, "later", next_at=make.now + timedelta(hours=1))])
    return any_records


def test_switches_come_back_as_they_were_kept(any_records: Records, make: SimpleNamespace) -> None:
    first = Switch(name="writes", reason="a", set_by="Kim", set_at=make.now)
    second = Switch(name="tool:x", reason="b", set_by="Lee", set_at=make.now + timedelta(seconds=1))
    with any_records.begin() as tx:
        tx.switches.put(second)
        tx.switches.put(first.model_copy(update={"reason": "old"}))
        tx.switches.put(first)
    with any_records.read() as tx:
        assert tx.switches.list() == [first, second]
        assert tx.switches.find("tool:x") == second
    with any_records.begin() as tx:
        tx.switches.remove("writes")
        tx.switches.remove("writes")
        assert tx.switches.find("writes") is None


def test_webhooks_come_back_as_they_were_kept(kept: Records, make: SimpleNamespace) -> None:
    with kept.begin() as tx:
        assert [hook.id for hook in tx.webhooks.list()] == ["h1", "h2"]
        assert tx.webhooks.list_active() == [webhook(make)]
        assert tx.webhooks.switch("h2", active=True) == webhook(make, "h2")
        with pytest.raises(NotFound):
            tx.webhooks.switch("none", active=True)


def test_what_is_due_is_taken_once_a_few_for_each_webhook(kept: Records, make: SimpleNamespace) -> None:
    until = make.now + timedelta(minutes=2)
    with kept.begin() as tx:
        assert tx.deliveries.has_due(make.now)
        taken = tx.deliveries.take_due(now=make.now, until=until, per_webhook=2)
    assert [(due.delivery.id, due.secrets, due.is_active) for due in taken] == [
        ("d0", ("s1",), True), ("d1", ("s1",), True), ("other", ("s2",), False)
    ]  # fmt: skip
    assert {(due.delivery.attempts, due.delivery.next_at) for due in taken} == {(1, until)}
    with kept.begin() as tx:
        assert [due.delivery.id for due in tx.deliveries.take_due(now=make.now, until=until, per_webhook=2)] == ["d2"]
        assert tx.deliveries.take_due(now=make.now, until=until, per_webhook=2) == []
        assert not tx.deliveries.has_due(make.now)
        assert len(tx.deliveries.take_due(now=until, until=until, per_webhook=9)) == 4


def test_what_was_not_sent_ends_with_its_webhook(kept: Records, make: SimpleNamespace) -> None:
    with kept.begin() as tx:
        tx.deliveries.update("d0", expect=[DeliveryStatus.PENDING], status=DeliveryStatus.DELIVERED)
        with pytest.raises(Conflict):
            tx.deliveries.update("d0", expect=[DeliveryStatus.PENDING], status=DeliveryStatus.DEAD)
        tx.deliveries.end_pending("h1", error="off")
        assert tx.deliveries.counts() == {
            ("h1", DeliveryStatus.DELIVERED): 1, ("h1", DeliveryStatus.DEAD): 3, ("h2", DeliveryStatus.PENDING): 1
        }  # fmt: skip
        assert len(tx.deliveries.list("h1", statuses=[DeliveryStatus.DEAD], limit=2)) == 2
        assert tx.deliveries.prune(before=make.now + timedelta(days=1)) == 1
        tx.webhooks.remove("h1")
        assert tx.deliveries.find("d1") is None
        assert tx.deliveries.find("other") is not None
