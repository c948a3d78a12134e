"""Writes notices: one delivery for each webhook that wants the topic, in the caller's transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python

from triage.domain import ALERT_TOPICS, Approval, Delivery, NoticeTopic, Webhook, utc_now
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


def notify(tx: Any, topic: NoticeTopic | str, subject: Mapping[str, Any], *, now: datetime | None = None) -> None:
    """Tell the webhooks that want ``topic``, if and when the caller's transaction is committed.

    Of ``subject`` only ``SUBJECT_FIELDS`` are sent, or ``ALERT_FIELDS`` where the topic is an alert.

    Raises:
        ValueError: there is no such topic.
    """
    word = NoticeTopic(topic)
    wanted = [webhook for webhook in tx.webhooks.list_active() if word in webhook.topics]
    if wanted:
        at = now or utc_now()
        tx.deliveries.add_all([new_delivery(webhook, word, subject, at=at) for webhook in wanted])


def notify_approval(tx: Any, topic: NoticeTopic | str, approval: Approval) -> None:
    """Tell the webhooks what has become of an approval."""
    notify(tx, topic, approval_subject(approval))


def approval_subject(approval: Approval) -> dict[str, Any]:
    """Return what a notice says of an approval."""
    said = {name: getattr(approval, name) for name in SUBJECT_FIELDS if name in Approval.model_fields}
    key = action_key(approval.run_id, approval.call_id)
    return {**said, "by": approval.decided_by, "idempotency_key": key}


def new_delivery(webhook: Webhook, topic: NoticeTopic, subject: Mapping[str, Any], *, at: datetime) -> Delivery:
    """Return a notice to one webhook."""
    fields = ALERT_FIELDS if topic in ALERT_TOPICS else SUBJECT_FIELDS
    said = {name: subject[name] for name in fields if name in subject}
    about = {"approval": None, "alert": said} if topic in ALERT_TOPICS else {"approval": said or None}
    body = json.dumps(to_jsonable_python({"topic": topic, "at": at, **about}), separators=(",", ":"))
    return Delivery(
        id=f"ntc_{uuid.uuid4().hex}", webhook_id=webhook.id, topic=topic, body=body, next_at=at, created_at=at
    )
