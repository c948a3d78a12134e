"""Writes notices: one delivery for each webhook that wants the topic, in the caller's transaction.

No notice keeps a text of customers or agents. The reply of a webhook that carries it is put in when it is sent, so that
what was erased in between is not told, and nothing is kept twice.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python

from triage.domain import (
    ALERT_TOPICS,
    Approval,
    Delivery,
    NoticeTopic,
    Refund,
    Run,
    RunStatus,
    Ticket,
    Webhook,
    utc_now,
)
from triage.gateway import Stores
from triage.stable_ids import action_key

SWITCHED_OFF = "The webhook is switched off."
# What leaves the house: never what the customer wrote, nor the arguments or reasons that may quote it.
SUBJECT_FIELDS = (
    "id",
    "run_id",
    "conversation_id",
    "idempotency_key",
    "kind",
    "tool",
    "agent",
    "summary",
    "amount_usd",
    "urgency",
    "mode",
    "status",
    "escalated_to",
    "by",
    "due_at",
    "expires_at",
)
ALERT_FIELDS = (
    "id",
    "name",
    "measure",
    "unit",
    "state",
    "before",
    "value",
    "count",
    "warn_at",
    "alert_at",
    "summary",
)
RUN_FIELDS = (
    "id",
    "conversation_id",
    "status",
    "category",
    "urgency",
    "needs_person",
    "failure_code",
    "guardrail",
    "verdict",
    "team",
    "by",
    "reply_id",
)
TICKET_FIELDS = (
    "id",
    "run_id",
    "conversation_id",
    "idempotency_key",
    "priority",
    "category",
    "status",
    "external_id",
    "external_url",
)
REFUND_FIELDS = ("id", "order_id", "run_id", "conversation_id", "idempotency_key", "amount_usd", "orders_are")
_RUN_ENDS = {
    RunStatus.COMPLETED: NoticeTopic.RUN_COMPLETED,
    RunStatus.BLOCKED: NoticeTopic.RUN_BLOCKED,
    RunStatus.FAILED: NoticeTopic.RUN_FAILED,
}
# What a notice of a topic is about, and which of its fields are told; the others are about an approval.
_ABOUT = {
    **dict.fromkeys(ALERT_TOPICS, ("alert", ALERT_FIELDS)),
    **dict.fromkeys([*_RUN_ENDS.values(), NoticeTopic.REPLY_SENT], ("run", RUN_FIELDS)),
    NoticeTopic.TICKET_CREATED: ("ticket", TICKET_FIELDS),
    NoticeTopic.REFUND_APPROVED: ("refund", REFUND_FIELDS),
}


def notify(tx: Stores, topic: NoticeTopic | str, subject: Mapping[str, Any], *, now: datetime | None = None) -> None:
    """Tell the webhooks that want ``topic``, if and when the caller's transaction is committed.

    Of ``subject`` only the fields of the topic are sent.

    Raises:
        ValueError: there is no such topic.
    """
    word = NoticeTopic(topic)
    wanted = [webhook for webhook in tx.webhooks.list_active() if word in webhook.topics]
    if wanted:
        at = now or utc_now()
        tx.deliveries.add_all([new_delivery(webhook, word, subject, at=at) for webhook in wanted])


def notify_approval(tx: Stores, topic: NoticeTopic | str, approval: Approval) -> None:
    """Tell the webhooks what has become of an approval."""
    notify(tx, topic, approval_subject(approval))


def approval_subject(approval: Approval) -> dict[str, Any]:
    """Return what a notice says of an approval."""
    said = {name: getattr(approval, name) for name in SUBJECT_FIELDS if name in Approval.model_fields}
    key = action_key(approval.run_id, approval.call_id)
    return {**said, "by": approval.decided_by, "idempotency_key": key}


def notify_run(tx: Stores, run: Run) -> None:
    """Tell the webhooks how a run has ended; nothing where it has not, or a person stopped it."""
    topic = _RUN_ENDS.get(run.status)
    if topic is not None:
        notify(tx, topic, _run_subject(run))


def notify_reply(tx: Stores, run: Run, *, reply_id: str) -> None:
    """Tell the webhooks that a reply went to the customer; ``reply_id`` is the message that it became."""
    notify(tx, NoticeTopic.REPLY_SENT, {**_run_subject(run), "by": run.reply_sent_by, "reply_id": reply_id})


def notify_ticket(tx: Stores, ticket: Ticket) -> None:
    """Tell the webhooks of a new ticket, without its words."""
    key = action_key(ticket.run_id, ticket.call_id)
    notify(tx, NoticeTopic.TICKET_CREATED, {**ticket.model_dump(), "idempotency_key": key})


def notify_refund(tx: Stores, refund: Refund, *, conversation_id: str, is_outside: bool) -> None:
    """Tell the webhooks of a refund that was agreed to; ``is_outside``: who pays keeps the order somewhere else."""
    key = action_key(refund.run_id, refund.call_id)
    said = {**refund.model_dump(), "conversation_id": conversation_id, "idempotency_key": key}
    notify(tx, NoticeTopic.REFUND_APPROVED, {**said, "orders_are": "outside" if is_outside else "in_the_records"})


def _run_subject(run: Run) -> dict[str, Any]:
    return {
        **{name: getattr(run, name) for name in ("id", "conversation_id", "status", "category", "urgency", "team")},
        "needs_person": run.needs_person,
        "failure_code": run.failure.code if run.failure else None,
        "guardrail": run.trip.guardrail if run.trip else None,
        "verdict": run.trip.verdict if run.trip else None,
    }


def new_delivery(webhook: Webhook, topic: NoticeTopic, subject: Mapping[str, Any], *, at: datetime) -> Delivery:
    """Return a notice to one webhook."""
    part, fields = _ABOUT.get(topic, ("approval", SUBJECT_FIELDS))
    said = {name: subject[name] for name in fields if name in subject}
    about = {"approval": said or None} if part == "approval" else {"approval": None, part: said}
    body = json.dumps(to_jsonable_python({"topic": topic, "at": at, **about}), separators=(",", ":"))
    return Delivery(
        id=f"ntc_{uuid.uuid4().hex}", webhook_id=webhook.id, topic=topic, body=body, next_at=at, created_at=at
    )
