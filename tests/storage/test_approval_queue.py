"""The approval queue on both databases: order, lanes, counts, and what was decided in such cases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

from storage.records import Records
from triage.domain import Lane, QueueFilter, Refund, Role, Urgency


def test_lists_counts_and_past_decisions(with_run: Records, make: SimpleNamespace) -> None:
    decided = {"status": "approved", "decided_by": "rita", "decided_at": make.now, "rule": "refund"}
    with with_run.begin() as stores:
        for number, fields in enumerate(
            [
                {"due_at": make.now + timedelta(hours=1)},
                {"due_at": None},
                {
                    "due_at": make.now - timedelta(hours=1),
                    "claimed_by": "rita",
                    "status": "claimed",
                    "escalated_at": make.now,
                    "escalated_to": "manager",
                },
                {**decided, "amount_usd": Decimal("5.00")},
                {**decided, "amount_usd": Decimal("69.98"), "execution": "unknown"},
                {**decided, "amount_usd": None},
                {**decided, "decided_by": "policy", "mode": "auto"},
            ]
        ):
            stores.approvals.add(make.approval(id=f"p{number}", call_id=f"call{number}", **fields))
    with with_run.read() as stores:
        queue = stores.approval_queue

        def ids(**wanted: object) -> list[str]:
            return [approval.id for approval in queue.list(QueueFilter(**wanted))]

        assert ids() == ["p2", "p0", "p1"]
        assert [approval.id for approval in queue.list(QueueFilter(), limit=1, offset=1)] == ["p0"]
        assert ids(lane=Lane.DECIDED) == ["p5", "p4", "p3"]
        assert ids(lane=Lane.UNKNOWN, person="rita") == ["p4"]
        assert ids(urgencies=(Urgency.MEDIUM,), tools=("process_refund",), due_before=make.now) == ["p2"]
        assert ids(escalated_to=(Role.MANAGER, Role.ADMIN)) == ["p2"]
        assert ids(escalated_to=(Role.ADMIN,)) == []
        counts = queue.counts(person="rita", roles=[Role.REVIEWER, Role.MANAGER], now=make.now)
        assert (counts.waiting, counts.mine, counts.overdue, counts.unknown) == (3, 1, 1, 1)
        assert counts.escalated == 1
        assert queue.counts(person="rita", roles=[Role.REVIEWER], now=make.now).escalated == 0
        past = queue.past_decisions(tool="process_refund", rule="refund", but="p3", near=Decimal(70), limit=5)
        assert [decision.id for decision in past] == ["p4", "p5"]
        past = queue.past_decisions(tool="process_refund", rule="refund", but="-", near=Decimal(70), limit=1)
        assert [decision.id for decision in past] == ["p4"]


def test_a_place_in_the_queue_is_kept_while_others_come_and_go(with_run: Records, make: SimpleNamespace) -> None:
    later = make.now + timedelta(hours=1)
    with with_run.begin() as stores:
        for number, due_at in enumerate([later, make.now, None, make.now, None, later]):
            stores.approvals.add(make.approval(id=f"p{number}", call_id=f"call{number}", due_at=due_at))
        for number in (6, 7, 8):
            decided = {"status": "approved", "decided_by": "rita", "decided_at": later if number == 7 else make.now}
            stores.approvals.add(make.approval(id=f"p{number}", call_id=f"call{number}", **decided))
    waiting, decided_ones = ["p1", "p3", "p0", "p5", "p2", "p4"], ["p7", "p8", "p6"]
    with with_run.read() as stores:
        for lane, expected in ((Lane.WAITING, waiting), (Lane.DECIDED, decided_ones)):
            everything = stores.approval_queue.list(QueueFilter(lane=lane))
            assert [item.id for item in everything] == expected
            for place, seen in enumerate(everything, 1):
                at = seen.due_at if lane is Lane.WAITING else seen.decided_at
                rest = stores.approval_queue.list(QueueFilter(lane=lane, beyond=(at, seen.id)))
                assert [item.id for item in rest] == expected[place:]
        load = stores.approval_queue.load(now=later)
        assert (load.waiting, load.overdue, load.oldest_at) == (6, 2, make.now)


def test_an_empty_queue_counts_nothing(with_run: Records, make: SimpleNamespace) -> None:
    with with_run.read() as stores:
        counts = stores.approval_queue.counts(person="rita", roles=[], now=make.now)
    assert counts.model_dump() == {
        "waiting": 0, "mine": 0, "overdue": 0, "escalated": 0, "half_decided": 0, "unknown": 0, "tools": {},
    }  # fmt: skip
    with with_run.read() as stores:
        load = stores.approval_queue.load(now=make.now)
    assert (load.waiting, load.overdue, load.oldest_at) == (0, 0, None)


def test_refunds_of_a_customer_are_those_of_their_orders(with_run: Records, make: SimpleNamespace) -> None:
    with with_run.begin() as stores:
        for name, email in (("o1", "alice@example.com"), ("o2", "bob@example.com")):
            stores.orders.add(make.order(id=name, customer_email=email))
            stores.orders.add_refund(
                Refund(
                    id=f"r-{name}",
                    order_id=name,
                    run_id="r1",
                    call_id=name,
                    amount_usd=Decimal(1),
                    reason="x",
                    created_at=make.now,
                )
            )
        assert [refund.id for refund in stores.orders.refunds_by_email(" Alice@example.com")] == ["r-o1"]
