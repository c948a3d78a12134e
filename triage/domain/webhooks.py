"""Webhooks: who is told outside of the console when something waits, and what became of each notice."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from triage.domain.base import Value


class NoticeTopic(StrEnum):
    """What a notice is about."""

    APPROVAL_NEW = "approval.new"
    APPROVAL_DUE_SOON = "approval.due_soon"
    APPROVAL_OVERDUE = "approval.overdue"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_DECIDED = "approval.decided"
    ALERT_WARNING = "alert.warning"
    ALERT_ALERT = "alert.alert"
    ALERT_OK = "alert.ok"
    WEBHOOK_TEST = "webhook.test"


# A test goes to the webhook that is tested, whatever it asked for.
SUBSCRIBABLE_TOPICS = tuple(topic for topic in NoticeTopic if topic is not NoticeTopic.WEBHOOK_TEST)


ALERT_TOPICS = (NoticeTopic.ALERT_WARNING, NoticeTopic.ALERT_ALERT, NoticeTopic.ALERT_OK)


class WebhookFormat(StrEnum):
    """How the body of a notice is written."""

    JSON = "json"
    SLACK = "slack"


class DeliveryStatus(StrEnum):
    """Where a notice is: still to be sent, taken by the receiver, or given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class Webhook(Value):
    """Where notices go. Its secret stays in the store, and its address may itself be a secret (Slack's are).

    After a new secret was made, the one before signs notices as well until ``old_secret_until``.
    """

    id: str
    url: str
    format: WebhookFormat
    topics: tuple[NoticeTopic, ...]
    is_active: bool = True
    old_secret_until: datetime | None = None
    created_by: str
    created_at: datetime


class Delivery(Value):
    """One notice to one webhook; ``body`` is the notice as JSON, and ``attempts`` counts the tries begun."""

    id: str
    webhook_id: str
    topic: NoticeTopic
    body: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    last_error: str | None = None
    next_at: datetime
    created_at: datetime
    delivered_at: datetime | None = None
