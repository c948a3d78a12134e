"""The webhooks of the console, for administrators only: an address gets what the console knows of its customers."""

from __future__ import annotations

import builtins
import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from triage.access.actions import Action, require
from triage.domain import (
    SUBSCRIBABLE_TOPICS,
    USUAL_TOPICS,
    Actor,
    Delivery,
    DeliveryStatus,
    NewAuditEntry,
    NoticeTopic,
    Value,
    Webhook,
    WebhookFormat,
    utc_now,
)
from triage.errors import Conflict, InvalidInput
from triage.gateway import Gateway, Stores
from triage.notices.addresses import check_url
from triage.notices.outbox import SWITCHED_OFF, new_delivery
from triage.notices.signature import new_secret

MAX_WEBHOOKS = 20
# So long a receiver has time to learn of a new secret.
_AUDITED = {"format", "topics", "carries_text", "is_active"}
BOTH_SIGN_FOR = timedelta(hours=24)


class NewWebhook(Value):
    """A webhook that was just added or got a new secret, with that secret, which is never shown again."""

    webhook: Webhook
    secret: str


class WebhookState(Value):
    """A webhook and how many of its notices wait, were delivered and were given up."""

    webhook: Webhook
    waiting: int
    delivered: int
    dead: int


class WebhookService:
    """Adds, lists, tries out and removes webhooks; all of it audited, without their addresses."""

    def __init__(self, *, records: Gateway, allow: Collection[str] = ()) -> None:
        self._records = records
        self._allow = frozenset(allow)

    def add(
        self,
        url: str,
        *,
        actor: Actor,
        form: str = WebhookFormat.JSON,
        topics: Sequence[str] = USUAL_TOPICS,
        carries_text: bool = False,
    ) -> NewWebhook:
        """Add a webhook and return it with its secret; ``carries_text`` lets notices of replies have their words.

        Raises:
            NotAllowed: the actor is not an administrator.
            InvalidInput: the address cannot be used, there is no such format or topic, or the format carries no text.
            Conflict: there are as many webhooks as there may be.
        """
        require(actor, Action.WEBHOOKS_CHANGE)
        address = check_url(url, allow=self._allow)
        if carries_text and form != WebhookFormat.JSON:
            raise InvalidInput("Replies are carried as JSON only; a chat shows them to everybody who reads it.")
        now = utc_now()
        webhook = Webhook(
            id=f"whk_{uuid.uuid4().hex[:16]}", url=address, format=_format(form), topics=_topics(topics),
            carries_text=carries_text, created_by=actor.name, created_at=now,
        )  # fmt: skip
        secret = new_secret()
        with self._records.begin() as tx:
            if len(tx.webhooks.list()) >= MAX_WEBHOOKS:
                raise Conflict(f"There are {MAX_WEBHOOKS} webhooks; delete one before you add another.")
            tx.webhooks.add(webhook, secret=secret)
            _audit(tx, "webhook.added", webhook, actor=actor, after=_kept(webhook))
        return NewWebhook(webhook=webhook, secret=secret)

    def list(self, *, actor: Actor) -> builtins.list[WebhookState]:
        """Return the webhooks with the numbers of their notices, oldest first."""
        require(actor, Action.WEBHOOKS_CHANGE)
        with self._records.read() as tx:
            webhooks, counts = tx.webhooks.list(), tx.deliveries.counts()
        return [
            WebhookState(
                webhook=webhook,
                waiting=counts.get((webhook.id, DeliveryStatus.PENDING), 0),
                delivered=counts.get((webhook.id, DeliveryStatus.DELIVERED), 0),
                dead=counts.get((webhook.id, DeliveryStatus.DEAD), 0),
            )
            for webhook in webhooks
        ]

    def deliveries(
        self, webhook_id: str, *, actor: Actor, statuses: Sequence[DeliveryStatus] = (), limit: int = 50
    ) -> builtins.list[Delivery]:
        """Return the newest notices to a webhook, newest first."""
        require(actor, Action.WEBHOOKS_CHANGE)
        with self._records.read() as tx:
            return tx.deliveries.list(webhook_id, statuses=statuses, limit=limit)

    def test(self, webhook_id: str, *, actor: Actor) -> Delivery:
        """Send a test to a webhook; what came of it stands on the returned delivery a moment later.

        Raises:
            Conflict: the webhook is switched off.
        """
        require(actor, Action.WEBHOOKS_CHANGE)
        now = utc_now()
        with self._records.begin() as tx:
            webhook = _active(tx, webhook_id)
            delivery = new_delivery(webhook, NoticeTopic.WEBHOOK_TEST, {}, at=now)
            tx.deliveries.add_all([delivery])
            _audit(tx, "webhook.tested", webhook, actor=actor)
        return delivery

    def send_again(self, delivery_id: str, *, actor: Actor) -> Delivery:
        """Send a notice that was given up, under the same id, with all its tries before it.

        Raises:
            NotFound: it is gone.
            Conflict: it was not given up, or the webhook is switched off.
        """
        require(actor, Action.WEBHOOKS_CHANGE)
        now = utc_now()
        with self._records.begin() as tx:
            webhook = _active(tx, tx.deliveries.get(delivery_id).webhook_id)
            changed = tx.deliveries.update(
                delivery_id, expect=(DeliveryStatus.DEAD,), status=DeliveryStatus.PENDING, attempts=0, next_at=now
            )
            _audit(tx, "webhook.sent_again", webhook, actor=actor, after={"delivery": delivery_id})
        return changed

    def switch(self, webhook_id: str, *, active: bool, actor: Actor) -> Webhook:
        """Let a webhook get notices, or no more; what it was still to get is given up with it."""
        require(actor, Action.WEBHOOKS_CHANGE)
        with self._records.begin() as tx:
            before = tx.webhooks.get(webhook_id)
            if before.is_active == active:
                return before
            after = tx.webhooks.switch(webhook_id, active=active)
            if not active:
                tx.deliveries.end_pending(webhook_id, error=SWITCHED_OFF)
            action = "webhook.switched_on" if active else "webhook.switched_off"
            _audit(tx, action, after, actor=actor, before={"is_active": not active}, after={"is_active": active})
        return after

    def renew_secret(self, webhook_id: str, *, actor: Actor) -> NewWebhook:
        """Give a webhook another secret; for 24 hours notices are signed with the one before as well.

        Whoever renews it twice within that time ends the first one at once.

        Raises:
            NotFound: there is no such webhook.
        """
        require(actor, Action.WEBHOOKS_CHANGE)
        secret, until = new_secret(), utc_now() + BOTH_SIGN_FOR
        with self._records.begin() as tx:
            webhook = tx.webhooks.renew_secret(webhook_id, secret=secret, until=until)
            _audit(tx, "webhook.secret_renewed", webhook, actor=actor, after={"old_secret_until": until.isoformat()})
        return NewWebhook(webhook=webhook, secret=secret)

    def delete(self, webhook_id: str, *, actor: Actor) -> None:
        """Remove a webhook with its notices.

        Raises:
            NotFound: there is no such webhook.
        """
        require(actor, Action.WEBHOOKS_CHANGE)
        with self._records.begin() as tx:
            webhook = tx.webhooks.get(webhook_id)
            tx.webhooks.remove(webhook_id)
            _audit(tx, "webhook.deleted", webhook, actor=actor, before=_kept(webhook))


def host_of(webhook: Webhook) -> str:
    """Return the host of a webhook; the rest of its address may be a secret."""
    return urlsplit(webhook.url).netloc


def _active(tx: Stores, webhook_id: str) -> Webhook:
    webhook = tx.webhooks.get(webhook_id)
    if not webhook.is_active:
        raise Conflict("The webhook is switched off; switch it on first.")
    return webhook


def _format(word: str) -> WebhookFormat:
    try:
        return WebhookFormat(word)
    except ValueError:
        raise InvalidInput(f"There is no such format; choose {' or '.join(WebhookFormat)}.") from None


def _topics(words: Sequence[str]) -> tuple[NoticeTopic, ...]:
    chosen = tuple(topic for topic in SUBSCRIBABLE_TOPICS if topic in words)
    if not chosen or len(chosen) != len(set(words)):
        raise InvalidInput(f"Choose at least one topic out of {', '.join(SUBSCRIBABLE_TOPICS)}.")
    return chosen


def _kept(webhook: Webhook) -> dict[str, Any]:
    return {"host": host_of(webhook), **webhook.model_dump(mode="json", include=_AUDITED)}


def _audit(
    tx: Stores,
    action: str,
    webhook: Webhook,
    *,
    actor: Actor,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    entry = NewAuditEntry(
        at=utc_now(), actor=actor.name, role=actor.role, action=action, subject_kind="webhook", subject_id=webhook.id,
        before=before, after=after,
    )  # fmt: skip
    tx.audit.add(entry)
