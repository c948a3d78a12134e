"""Accounts, orders, tickets and the samples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from storage.records import Records, Stores
from triage.domain import Escalation, OrderStatus, Refund
from triage.errors import Conflict, NotFound


def _ticket(stores: Stores, make: SimpleNamespace, name: str, call: str) -> Any:
    return stores.tickets.add(make.ticket(id=name, call_id=call, title=name))


def _refund(stores: Stores, make: SimpleNamespace, name: str, call: str) -> Any:
    amount = {"amount_usd": Decimal("34.99"), "reason": name, "created_at": make.now}
    return stores.orders.add_refund(Refund(id=name, order_id="o1", run_id="r1", call_id=call, **amount))


def _escalation(stores: Stores, make: SimpleNamespace, name: str, key: str) -> Any:
    # The author is the same each time: a person may escalate again, with another reason.
    why = {"reason": name, "urgency": "low", "created_by": "lee", "created_at": make.now}
    return stores.escalations.add(Escalation(id=name, run_id="r1", key=key, conversation_id="c1", **why))


@pytest.mark.parametrize("add", [_ticket, _refund, _escalation])
def test_the_same_call_leaves_one_record(
    any_records: Records, make: SimpleNamespace, add: Callable[[Stores, SimpleNamespace, str, str], Any]
) -> None:
    with any_records.begin() as stores:
        stores.orders.add(make.order())
        first = add(stores, make, "first", "call1")
    with any_records.begin() as stores:
        assert add(stores, make, "second", "call1") == first
        assert add(stores, make, "third", "call2").id == "third"
    with any_records.read() as stores:
        kept = [*stores.tickets.list(), *stores.orders.refunds("o1"), *stores.escalations.list_of_run("r1")]
    assert sorted(record.id for record in kept) == ["first", "third"]


def test_a_refund_needs_its_order(any_records: Records, make: SimpleNamespace) -> None:
    with pytest.raises(NotFound), any_records.begin() as stores:
        _refund(stores, make, "f", "call1")


def test_tickets_are_listed_newest_first(any_records: Records, make: SimpleNamespace) -> None:
    with any_records.begin() as stores:
        for minute, name in enumerate("abc"):
            stores.tickets.add(make.ticket(id=name, call_id=name, created_at=make.now + timedelta(minutes=minute)))
    with any_records.read() as stores:
        assert [ticket.id for ticket in stores.tickets.list(limit=2)] == ["c", "b"]
        assert [ticket.id for ticket in stores.tickets.list_of_run("r1")] == ["a", "b", "c"]


def test_addresses_are_found_in_upper_and_lower_case_and_never_by_pattern(
    any_records: Records, make: SimpleNamespace
) -> None:
    with any_records.begin() as stores:
        stores.accounts.add(make.account(email="Ann@Acme.example"))
        stores.orders.add(make.order(customer_email="Ann@Acme.example"))
    with any_records.read() as stores:
        found = stores.accounts.find_by_email(" aNN@acme.EXAMPLE ")
        assert found is not None
        assert found.id == "a1"
        assert [order.id for order in stores.orders.list_by_email("ANN@acme.example")] == ["o1"]
        for other in ("%", "ann@acme_example", "ann@acme.example.org", ""):
            assert stores.accounts.find_by_email(other) is None
            assert stores.orders.list_by_email(other) == []


def test_an_order_can_be_changed(any_records: Records, make: SimpleNamespace) -> None:
    with any_records.begin() as stores:
        stores.orders.add(make.order())
        changed = stores.orders.update("o1", status=OrderStatus.REFUNDED)
    assert changed == make.order(status="refunded")
    with any_records.read() as stores:
        assert stores.orders.find("o1") == changed


def test_two_invoices_with_one_number_are_a_conflict(any_records: Records, make: SimpleNamespace) -> None:
    invoice = {"number": "I-1", "issued_at": make.now, "amount_usd": "1", "status": "paid"}
    with pytest.raises(Conflict), any_records.begin() as stores:
        stores.accounts.add(make.account(invoices=[invoice, invoice]))
    with any_records.read() as stores:
        assert stores.accounts.list() == []


# Samples.


def test_the_samples_hold_what_the_guide_promises(any_records: Records, make: SimpleNamespace) -> None:
    with any_records.begin() as stores:
        added = stores.samples.load(make.now)
    with any_records.read() as stores:
        assert stores.samples.count() == added == 24
        keyboard, hub = stores.orders.list_by_email("alice@example.com")
        assert (keyboard.id, keyboard.product, keyboard.quantity) == ("1", "Wireless Keyboard", 1)
        assert (keyboard.total_usd, keyboard.status) == (Decimal("79.99"), OrderStatus.SHIPPED)
        assert keyboard.tracking_number
        assert (hub.id, hub.product, hub.quantity, hub.total_usd) == ("2", "USB-C Hub", 2, Decimal("69.98"))
        assert hub.delivered_at == make.now - timedelta(days=9)
        processing = stores.orders.find("3")
        assert processing is not None
        assert (processing.customer_email, processing.status) == ("bob@example.com", OrderStatus.PROCESSING)
        assert Decimal("199.99") in {order.total_usd for order in stores.orders.list_by_email("carol@example.com")}
        dana = stores.accounts.find_by_email("dana@northwind.example")
        assert dana is not None
        assert (dana.id, dana.plan) == ("A-1042", "Team")
        accounts = stores.accounts.list()
    assert all(3 <= len(account.invoices) <= 6 for account in accounts)
    assert {account.plan for account in accounts} == {"Free", "Team", "Business", "Enterprise"}
    assert {account.status for account in accounts} == {"active", "past_due", "suspended", "cancelled"}
    statuses = {invoice.status for account in accounts for invoice in account.invoices}
    assert statuses == {"paid", "open", "failed", "overdue"}
    assert all(account.email.endswith((".example", "@example.com")) for account in accounts)


def test_loading_again_changes_nothing(any_records: Records, make: SimpleNamespace) -> None:
    with any_records.begin() as stores:
        stores.samples.load(make.now)
        stores.orders.update("2", status=OrderStatus.REFUNDED)
    with any_records.begin() as stores:
        assert stores.samples.load(make.now + timedelta(days=1)) == 0
        hub = stores.orders.find("2")
    assert hub is not None
    assert hub.status is OrderStatus.REFUNDED


def test_removed_samples_stay_removed_and_real_records_stay(any_records: Records, make: SimpleNamespace) -> None:
    with any_records.begin() as stores:
        stores.orders.add(make.order(id="2", product="Real"))
        stores.orders.add(make.order())
        assert stores.samples.load(make.now) == 23
        stores.orders.add_refund(
            Refund(id="f", order_id="1", run_id="r", call_id="k", amount_usd="1", reason="r", created_at=make.now)
        )
    with any_records.begin() as stores:
        assert stores.samples.remove() == 23
    with any_records.begin() as stores:
        assert stores.samples.load(make.now) == 0
        assert stores.samples.count() == 0
        assert stores.accounts.list() == []
        assert stores.orders.refunds("1") == []
        assert [order.id for order in stores.orders.list_by_email("alice@example.com")] == ["2", "o1"]
