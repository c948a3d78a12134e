"""The desk's tools over the orders of another database: each customer sees their own, and refunds are kept here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from agents.testing import function_call

from storage.orders_source import OrderDatabase
from storage.records import Records
from tests.approvals.conftest import ALICE, RITA
from tests.approvals.stage import Stage, ends, outputs
from tests.notices.receiver import KIM
from triage.api.briefs import BriefOut
from triage.approvals.brief import BriefService
from triage.approvals.gate import ActionGate, NothingOff
from triage.approvals.policies import default_text
from triage.approvals.policy_service import PolicyService
from triage.approvals.service import ApprovalService
from triage.connectors.layout import read_layout
from triage.connectors.orders import OrderBook
from triage.domain import ExecutionStatus, Mode, OrderStatus, Refund, RunStatus
from triage.errors import Conflict, InvalidInput, OutsideUnavailable, ToolError
from triage.notices.webhooks import WebhookService
from triage.team.tools.orders import order_tools

pytestmark = pytest.mark.usefixtures("_quiet")

NOW = datetime.now(UTC)
ROWS = [
    (1, ALICE, "Keyboard", 1, "79.99", "shipped", "FNL-1", None),
    (2, ALICE.upper(), "Hub", 2, "69.98", "delivered", None, (NOW - timedelta(days=9)).isoformat()),
    (3, "bob@example.com", "Mat", 1, "54.50", "delivered", None, (NOW - timedelta(days=9)).isoformat()),
]


class Away:
    """A database that does not answer."""

    def find(self, order_id: str) -> Any:
        raise OutsideUnavailable("The shop's database of orders cannot be read now (OperationalError).")

    def list_by_email(self, email: str) -> Any:
        return self.find(email)

    def check(self) -> str:
        return str(self.find(""))

    def close(self) -> None: ...


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    columns = "id integer, customer_email, product, quantity, total, status, tracking_number, delivered_at"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create table orders ({columns})")
        for row in ROWS:
            connection.exec_driver_sql("insert into orders values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    engine.dispose()
    return path


@pytest.fixture
def book(records: Records, shop: Path) -> Iterator[OrderBook]:
    source = OrderDatabase(f"sqlite:///{shop}", layout=read_layout("delivered_at=delivered_at"))
    opened = OrderBook(records, source=source)
    yield opened
    opened.close()


def stage_of(records: Records, book: OrderBook) -> Stage:
    stage = Stage(records)
    stage.gate = ActionGate(records=records, policies=stage.policy, switches=NothingOff(), orders=book)
    stage.open(stage.agent("Orders specialist", tools=order_tools(book, stage.gate)))
    stage.approvals = ApprovalService(
        records=records, queue=stage.approvals._queue, policies=stage.policy, tools=stage.approvals._tools, orders=book
    )
    return stage


@pytest.fixture
def stage(records: Records, book: OrderBook) -> Iterator[Stage]:
    stage = stage_of(records, book)
    yield stage
    stage.close()


def refund_of(order_id: str, *, run_id: str = "r1", call_id: str = "c") -> Refund:
    return Refund(
        id=f"R-{run_id}{call_id}", order_id=order_id, run_id=run_id, call_id=call_id, amount_usd=Decimal("69.98"),
        reason="Broken.", created_at=NOW,
    )  # fmt: skip


def content(shop: Path) -> bytes:
    return shop.read_bytes()


async def asked(stage: Stage, tool: str, **arguments: Any) -> str:
    """Return what a tool answers to the model."""
    stage.model.enqueue([function_call(tool, arguments, call_id="a")])
    stage.model.enqueue(ends())
    await stage.start()
    return outputs(stage.model)["a"]


async def test_a_customer_sees_their_orders(stage: Stage) -> None:
    found = json.loads(await asked(stage, "find_orders", email=ALICE))
    assert [order["order_id"] for order in found] == ["2", "1"]
    assert (found[0]["total_usd"], found[0]["ordered_on"]) == ("69.98", None)


@pytest.mark.parametrize("order_id", ["3", "99"])
async def test_somebody_elses_order_reads_like_one_that_does_not_exist(stage: Stage, order_id: str) -> None:
    assert "no order with this id for this customer" in await asked(stage, "order_details", order_id=order_id)


async def test_other_customers_orders_cannot_be_listed(stage: Stage) -> None:
    assert "only for the customer's own address" in await asked(stage, "find_orders", email="bob@example.com")


async def test_a_refund_is_kept_here_told_outside_and_written_to_nobody(
    stage: Stage, book: OrderBook, records: Records, shop: Path
) -> None:
    hook = WebhookService(records=records).add("https://shop.example.com/h", actor=KIM, topics=["refund.approved"])
    before = content(shop)
    call = function_call("process_refund", {"order_id": "2", "reason": "Broken."}, call_id="a")
    stage.model.enqueue([call])
    run = await stage.start()
    approval = stage.asked(run)["a"]
    assert (approval.amount_usd, approval.summary) == (Decimal("69.98"), "Refund $69.98 for order 2 (2 of Hub)")
    brief = BriefService(records, orders=book).brief(approval.id)
    assert brief.order is not None
    assert all(check.holds for check in brief.checks)
    stage.decide(approval, "approve")
    stage.model.enqueue(ends())
    run = await stage.go_on(run)
    assert run.status is RunStatus.COMPLETED
    assert stage.asked(run)["a"].execution is ExecutionStatus.SUCCEEDED
    (kept,) = book.refunds(["2"])
    assert (kept.run_id, kept.amount_usd) == (run.id, Decimal("69.98"))
    with records.read() as tx:
        (told,) = tx.deliveries.list(hook.webhook.id)
    said = json.loads(told.body)["refund"]
    assert (said["order_id"], said["orders_are"], said["amount_usd"]) == ("2", "outside", "69.98")
    assert content(shop) == before
    order = book.find("2")
    assert order is not None
    assert order.status is OrderStatus.REFUNDED
    assert "already been refunded" in await asked(stage, "process_refund", order_id="2", reason="Again.")


def test_an_order_is_refunded_once_whoever_asks(book: OrderBook, records: Records) -> None:
    order = book.find("2")
    assert order is not None
    first = book.refund(order, refund_of("2"), conversation_id="c")
    assert book.refund(order, refund_of("2"), conversation_id="c") == first
    with pytest.raises(ToolError, match="refunded already"):
        book.refund(order, refund_of("2", run_id="r2"), conversation_id="c")
    assert len(book.refunds(["2"])) == 1


def test_erasure_takes_the_reason_and_leaves_what_was_paid(book: OrderBook, records: Records) -> None:
    order = book.find("2")
    assert order is not None
    book.refund(order, refund_of("2"), conversation_id="c")
    with records.begin() as tx:
        tx.erasure.remove(tx.erasure.find(ALICE).model_copy(update={"run_ids": ("r1",)}))
    (kept,) = book.refunds(["2"])
    assert (kept.reason, kept.amount_usd) == ("erased", Decimal("69.98"))


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("find_orders", {"email": ALICE}),
        ("order_details", {"order_id": "2"}),
        ("shipping_status", {"order_id": "2"}),
        ("process_refund", {"order_id": "2", "reason": "Broken."}),
    ],
)
async def test_a_database_that_is_away_is_a_sentence_to_the_model(
    records: Records, tool: str, arguments: dict[str, str]
) -> None:
    stage = stage_of(records, OrderBook(records, source=Away()))
    said = await asked(stage, tool, **arguments)
    stage.close()
    assert "cannot be read now" in said
    assert "requires_human" in said


async def test_a_person_is_told_that_orders_cannot_be_looked_up(stage: Stage, records: Records) -> None:
    stage.model.enqueue([function_call("process_refund", {"order_id": "2", "reason": "Broken."}, call_id="a")])
    approval = stage.asked(await stage.start())["a"]
    away = OrderBook(records, source=Away())
    brief = BriefService(records, orders=away).brief(approval.id)
    assert (brief.orders, brief.order) == ([], None)
    assert "cannot be read now" in (brief.orders_problem or "")
    assert BriefOut.of(brief, refusal=None).orders_problem == brief.orders_problem
    edits = ApprovalService(records=records, queue=stage.approvals._queue, policies=stage.policy, orders=away)
    with pytest.raises(Conflict, match="Try again later"):
        edits.edit(approval.id, actor=RITA, arguments={"order_id": "3", "reason": "Broken."})
    with pytest.raises(InvalidInput, match="no order with this number"):
        stage.approvals.edit(approval.id, actor=RITA, arguments={"order_id": "3", "reason": "Broken."})


async def test_a_preview_looks_up_sums_that_nobody_knew(stage: Stage, records: Records, book: OrderBook) -> None:
    stage.model.enqueue([function_call("process_refund", {"order_id": "2", "reason": "Broken."}, call_id="a")])
    approval = stage.asked(await stage.start())["a"]
    with records.begin() as tx:
        tx.approvals.update(approval.id, amount_usd=None)
    small = "when: {amount_usd: {up_to: 70}}\n    decide: auto"
    text = default_text().replace("decide: approval", small, 1)
    orders = {"there": book, "away": OrderBook(records, source=Away()), "ours": OrderBook(records)}
    auto = {
        name: PolicyService(records=records, orders=found).preview(text).after[Mode.AUTO]
        for name, found in orders.items()
    }
    assert auto == {"there": 1, "away": 0, "ours": 0}
