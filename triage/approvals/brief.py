"""The brief: everything that a person needs to decide on one action, read at one moment and with few queries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from triage.access.actions import roles_of
from triage.approvals.arguments import ArgumentField, argument_fields, final_arguments
from triage.connectors.orders import OrderBook
from triage.customers import Check, refund_checks
from triage.domain import (
    Account,
    Actor,
    Approval,
    EventKind,
    Message,
    Order,
    PastDecision,
    QueueCounts,
    QueueFilter,
    Refund,
    Run,
    RunEvent,
    Value,
    utc_now,
)
from triage.errors import OutsideUnavailable
from triage.gateway import Gateway, Stores
from triage.runs.reading import MAX_EVENTS

REFUND_TOOL = "process_refund"
SEARCH_TOOL = "search_knowledge_base"
MOST_PAST_DECISIONS = 5
MOST_PASSAGES = 8
_LONGEST_TITLE = 120

FormOf = Callable[[Approval], dict[str, Any] | None]


class BriefPassage(Value):
    """A part of an article that the run found, with the words that it looked for."""

    article_id: str
    title: str
    section: str = ""
    url: str = ""
    excerpt: str = ""
    query: str = ""


class GuardrailVerdict(Value):
    """What a guardrail said of the message, an action or an answer of this run."""

    guardrail: str
    stage: str
    verdict: str
    reason: str
    tripped: bool
    tool: str | None = None
    at: datetime


class TimeLeft(Value):
    """How long the approval waits, and how long until it is due and until it expires; below zero when that is past."""

    age_ms: int
    due_in_ms: int | None
    expires_in_ms: int | None


class Brief(Value):
    """What is known about one action that waits, or waited, for a person.

    The rule and its sentence, claim, first of two decisions and execution stand on ``approval``; cost so far stands on
    ``run``. ``order`` is the one of the customer that the call names. ``others`` are the other open approvals of the
    run: the agents go on when all are decided. ``events`` is for a page's story and no part of the brief as JSON.
    """

    approval: Approval
    sentence: str
    fields: list[ArgumentField]
    can_edit: bool
    time: TimeLeft
    run: Run
    messages: list[Message]
    account: Account | None
    orders: list[Order]
    orders_problem: str | None = None
    refunds: list[Refund]
    order: Order | None
    checks: list[Check]
    passages: list[BriefPassage]
    verdicts: list[GuardrailVerdict]
    past: list[PastDecision]
    others: list[Approval]
    events: list[RunEvent] = Field(exclude=True, repr=False)


class QueueView(Value):
    """One page of the queue with the counts of all of it; ``has_more`` says that a page follows."""

    approvals: list[Approval]
    counts: QueueCounts
    has_more: bool


class BriefService:
    """Reads the queue, and the brief of one approval."""

    def __init__(self, records: Gateway, *, form: FormOf | None = None, orders: OrderBook | None = None) -> None:
        self._records = records
        self._orders = orders or OrderBook(records)
        self._form = form or (lambda _: None)

    def queue(self, filter: QueueFilter, *, actor: Actor, limit: int, offset: int = 0) -> QueueView:  # noqa: A002
        """Return a page of the queue, what waits by due time, and the counts as they are for the actor."""
        with self._records.read() as tx:
            found = tx.approval_queue.list(filter, limit=limit + 1, offset=offset)
            counts = tx.approval_queue.counts(person=actor.name, roles=roles_of(actor), now=utc_now(), team=filter.team)
        return QueueView(approvals=found[:limit], counts=counts, has_more=len(found) > limit)

    def brief(self, approval_id: str) -> Brief:
        """Return the brief of an approval, all of it but the orders as it was at one moment.

        Raises:
            NotFound: there is no approval with this id.
        """
        now = utc_now()
        with self._records.read() as tx:
            approval = tx.approvals.get(approval_id)
            run = tx.runs.get(approval.run_id)
            messages = tx.conversations.messages(run.conversation_id)
            account = _account(tx, run)
            events = tx.events.list(run.id, limit=MAX_EVENTS)
            others: list[Approval] = [
                other for other in tx.approvals.list_open_of_run(run.id) if other.id != approval_id
            ]
            past = tx.approval_queue.past_decisions(
                tool=approval.tool,
                rule=approval.rule,
                but=approval.id,
                near=approval.amount_usd,
                limit=MOST_PAST_DECISIONS,
            )
        orders, refunds, problem = self._orders_of(run)
        form = self._form(approval)
        order = order_of(approval, orders)
        is_refund = approval.tool == REFUND_TOOL and approval.status.is_open
        return Brief(
            approval=approval,
            sentence=sentence_of(approval, order),
            fields=argument_fields(approval, form),
            can_edit=form is not None,
            time=time_left(approval, now=now),
            run=run,
            messages=messages,
            account=account,
            orders=orders,
            orders_problem=problem,
            refunds=refunds,
            order=order,
            checks=refund_checks(order, refunds=refunds, today=now.date()) if is_refund else [],
            passages=list(_passages(events))[:MOST_PASSAGES],
            verdicts=list(_verdicts(events)),
            past=past,
            others=others,
            events=events,
        )

    def _orders_of(self, run: Run) -> tuple[list[Order], list[Refund], str | None]:
        """Return the customer's orders and refunds, and why they cannot be looked up now, where they cannot."""
        if not run.customer_email:
            return [], [], None
        try:
            orders = self._orders.list_by_email(run.customer_email)
        except OutsideUnavailable as error:
            return [], [], str(error)
        return orders, self._orders.refunds([order.id for order in orders]), None


def order_of(approval: Approval, orders: Sequence[Order]) -> Order | None:
    """Return the customer's order that the call names as it stands now, or None."""
    wanted = str(final_arguments(approval).get("order_id", "")).strip().removeprefix("#").strip()
    return next((order for order in orders if order.id == wanted), None)


def sentence_of(approval: Approval, order: Order | None) -> str:
    """Say in one sentence what the call does; it quotes what a model wrote, so it is data."""
    said = final_arguments(approval)
    if approval.kind == "question":
        return f"{approval.agent} asks: {_short(said.get('question', approval.summary), 400)}"
    if approval.tool == REFUND_TOOL and order is not None:
        amount = approval.amount_usd or order.total_usd
        what = f"order {order.id} ({order.quantity} of {order.product})"
        return f"Refund ${amount:,.2f} to {order.customer_email} for {what}."
    if approval.tool == REFUND_TOOL:
        return f"Refund order {_short(said.get('order_id', '(no number)'), 40)}, which this customer does not have."
    if approval.tool == "create_support_ticket":
        priority, category = (_short(said.get(name, "unclear"), 40) for name in ("priority", "category"))
        return (
            f"Create a {priority} {category.replace('_', ' ')} ticket: {_short(said.get('title', ''), _LONGEST_TITLE)}"
        )
    return f"{_short(approval.summary, 400)}"


def time_left(approval: Approval, *, now: datetime) -> TimeLeft:
    """Return the age and the time left of an approval."""
    until = approval.decided_at or now
    return TimeLeft(
        age_ms=_ms(approval.created_at, until) or 0,
        due_in_ms=_ms(now, approval.due_at),
        expires_in_ms=_ms(now, approval.expires_at),
    )


def _ms(start: datetime, end: datetime | None) -> int | None:
    return None if end is None else round((end - start).total_seconds() * 1000)


def _short(value: Any, limit: int) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _account(tx: Stores, run: Run) -> Account | None:
    account = tx.accounts.find(run.account_id) if run.account_id else None
    if account is None and run.customer_email:
        account = tx.accounts.find_by_email(run.customer_email)
    return account


def _passages(events: Sequence[RunEvent]) -> Iterator[BriefPassage]:
    """Yield what the searches of the run found, each article once."""
    queries: dict[str, str] = {}
    seen: set[str] = set()
    for event in events:
        said = event.payload
        if said.get("tool") != SEARCH_TOOL:
            continue
        if event.kind is EventKind.TOOL_CALLED and isinstance(said.get("arguments"), dict):
            queries[str(said.get("call_id"))] = str(said["arguments"].get("query", ""))
        elif event.kind is EventKind.TOOL_COMPLETED:
            for found in _found(said.get("output")):
                if found["article_id"] not in seen:
                    seen.add(found["article_id"])
                    yield BriefPassage(**found, query=queries.get(str(said.get("call_id")), ""))


def _found(output: Any) -> list[dict[str, str]]:
    """Return the articles in the answer of a search; an answer of another shape has none."""
    try:
        items = json.loads(output) if isinstance(output, str) else output
    except ValueError:
        return []
    names = ("article_id", "title", "section", "url", "excerpt")
    return [
        {name: str(item.get(name) or "") for name in names}
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and item.get("article_id")
    ]


def _verdicts(events: Sequence[RunEvent]) -> Iterator[GuardrailVerdict]:
    for event in events:
        if event.kind in (EventKind.GUARDRAIL_PASSED, EventKind.GUARDRAIL_TRIPPED):
            said = {name: str(event.payload.get(name) or "") for name in ("guardrail", "stage", "verdict", "reason")}
            tool = event.payload.get("tool")
            yield GuardrailVerdict(
                **said,
                tripped=event.kind is EventKind.GUARDRAIL_TRIPPED,
                tool=str(tool) if tool else None,
                at=event.at,
            )
