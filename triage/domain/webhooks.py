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
    RUN_COMPLETED = "run.completed"
    RUN_BLOCKED = "run.blocked"
    RUN_FAILED = "run.failed"
    REPLY_SENT = "reply.sent"
    TICKET_CREATED = "ticket.created"
    REFUND_APPROVED = "refund.approved"
    WEBHOOK_TEST = "webhook.test"


# A test goes to the webhook that is tested, whatever it asked for.
SUBSCRIBABLE_TOPICS = tuple(topic for topic in NoticeTopic if topic is not NoticeTopic.WEBHOOK_TEST)


ALERT_TOPICS = (NoticeTopic.ALERT_WARNING, NoticeTopic.ALERT_ALERT, NoticeTopic.ALERT_OK)

# Those come with every message, so a webhook gets them only where somebody asks for them.
EVENT_TOPICS = (
    NoticeTopic.RUN_COMPLETED,
    NoticeTopic.RUN_BLOCKED,
    NoticeTopic.RUN_FAILED,
    NoticeTopic.REPLY_SENT,
    NoticeTopic.TICKET_CREATED,
    NoticeTopic.REFUND_APPROVED,
)
USUAL_TOPICS = tuple(topic for topic in SUBSCRIBABLE_TOPICS if topic not in EVENT_TOPICS)
# Their notices have the reply in them, where the webhook was set up to carry it.
REPLY_TOPICS = (NoticeTopic.RUN_COMPLETED, NoticeTopic.REPLY_SENT)


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

    After a new secret was made, the one before signs notices as well until ``old_secret_until``. ``carries_text`` says
    that notices of replies have their words in them.
    """

    id: str
    url: str
    format: WebhookFormat
    topics: tuple[NoticeTopic, ...]
    carries_text: bool = False
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
