"""Webhooks and the outbox of notices to them."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from storage.records.base import Store, add_rows
from storage.records.columns import UtcTime
from storage.records.prepared import Prepared
from storage.records.schema_control import deliveries, webhooks
from storage.records.sealing import is_sealed, seal, unseal
from triage.domain import Delivery, DeliveryStatus, Webhook

_PENDING = deliveries.c.status == DeliveryStatus.PENDING.value
_LIST = Prepared(sa.select(webhooks).order_by(webhooks.c.created_at, webhooks.c.id))
# On PostgreSQL a webhook cannot be deleted until the caller has kept his notices to it; SQLite has one writer anyway.
_ACTIVE = Prepared(_LIST.statement.where(webhooks.c.is_active).with_for_update(read=True, key_share=True))
_REMOVE = sa.delete(webhooks).where(webhooks.c.id == sa.bindparam("id"))
_SWITCH = Prepared(
    sa.update(webhooks)
    .where(webhooks.c.id == sa.bindparam("the_id"))
    .values(is_active=sa.bindparam("active"))
    .returning(*webhooks.c)
)
_SECRET = sa.select(webhooks.c.id, webhooks.c.secret)
_RENEW_SECRET = Prepared(
    sa.update(webhooks)
    .where(webhooks.c.id == sa.bindparam("the_id"))
    .values(
        secret=sa.bindparam("new"),
        old_secret=webhooks.c.secret,
        old_secret_until=sa.bindparam("until", type_=UtcTime),
    )
    .returning(*webhooks.c)
)
_SEAL = sa.update(webhooks).where(webhooks.c.id == sa.bindparam("the_id")).values(secret=sa.bindparam("sealed"))
_FORGET_OLD = (
    sa.update(webhooks)
    .where(webhooks.c.old_secret_until <= sa.bindparam("now", type_=UtcTime))
    .values(old_secret=None, old_secret_until=None)
)
_IS_DUE = _PENDING & (deliveries.c.next_at <= sa.bindparam("now"))
_HAS_DUE = sa.select(deliveries.c.id).where(_IS_DUE).limit(1)
_DUE = sa.select(
    deliveries.c.id,
    # One receiver that does not answer must not take the turns of the others.
    sa.func.row_number()
    .over(partition_by=deliveries.c.webhook_id, order_by=(deliveries.c.next_at, deliveries.c.id))
    .label("turn"),
).where(_IS_DUE)
_DUE_TURNS = _DUE.subquery()
# The condition stands here again for PostgreSQL, where another process may have taken one in between.
_TAKE = (
    sa.update(deliveries)
    .where(
        _IS_DUE, deliveries.c.id.in_(sa.select(_DUE_TURNS.c.id).where(_DUE_TURNS.c.turn <= sa.bindparam("per_webhook")))
    )
    .values(attempts=deliveries.c.attempts + 1, next_at=sa.bindparam("until"))
    .returning(deliveries.c.id)
)
_TAKEN = (
    sa.select(
        deliveries,
        webhooks.c.url,
        webhooks.c.secret,
        webhooks.c.old_secret,
        webhooks.c.old_secret_until,
        webhooks.c.format,
        webhooks.c.carries_text,
        webhooks.c.is_active,
    )
    .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
    .where(deliveries.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(deliveries.c.created_at, deliveries.c.id)
)
_END_PENDING = (
    sa.update(deliveries)
    .where(_PENDING, deliveries.c.webhook_id == sa.bindparam("the_webhook"))
    .values(status=DeliveryStatus.DEAD.value, last_error=sa.bindparam("error"))
)
_COUNTS = sa.select(deliveries.c.webhook_id, deliveries.c.status, sa.func.count().label("number")).group_by(
    deliveries.c.webhook_id, deliveries.c.status
)
_NEWEST = (
    sa.select(deliveries)
    .where(deliveries.c.webhook_id == sa.bindparam("webhook_id"))
    .order_by(deliveries.c.created_at.desc(), deliveries.c.id)
    .limit(sa.bindparam("limit"))
)
_PRUNE = sa.delete(deliveries).where(
    deliveries.c.status == DeliveryStatus.DELIVERED.value, deliveries.c.created_at < sa.bindparam("before")
)


class DueDelivery(NamedTuple):
    """A delivery that somebody has taken to send it, with what sending it needs.

    ``secrets`` are those that sign it, the newest first; one that was sealed with another key is left out.
    """

    delivery: Delivery
    url: str
    secrets: tuple[str, ...]
    format: str
    carries_text: bool
    is_active: bool


class WebhookStore(Store[Webhook]):
    """The webhooks; their secrets are kept sealed with ``key`` and leave the store with a due delivery only."""

    table = webhooks
    value = Webhook
    noun = "webhook"

    def __init__(self, connection: Connection, *, key: bytes | None = None) -> None:
        super().__init__(connection)
        self._key = key

    def add(self, webhook: Webhook, *, secret: str) -> None:
        """Keep a new webhook with its secret."""
        row = {**self._row(webhook), "secret": seal(secret, key=self._key)}
        add_rows(self.connection, webhooks, row, noun=self.noun)

    def renew_secret(self, id: str, *, secret: str, until: datetime) -> Webhook:  # noqa: A002
        """Give a webhook another secret; the one before signs as well until a time, the one before that no more.

        Raises:
            NotFound: there is no such webhook.
        """
        changed = self._one(_RENEW_SECRET, {"the_id": id, "new": seal(secret, key=self._key), "until": until})
        if changed is None:
            raise self._not_found(id)
        return changed

    def forget_old_secrets(self, now: datetime) -> None:
        """Remove the secrets whose time is over."""
        self.connection.execute(_FORGET_OLD, {"now": now})

    def has_clear_secrets(self) -> bool:
        """Whether a build before this one has left secrets that are not sealed; without a key nobody can seal them."""
        return self._key is not None and any(not is_sealed(row.secret) for row in self.connection.execute(_SECRET))

    def seal_secrets(self) -> None:
        """Seal the secrets that a build before this one has left as they are."""
        for row in self.connection.execute(_SECRET).all():
            if not is_sealed(row.secret):
                self.connection.execute(_SEAL, {"the_id": row.id, "sealed": seal(row.secret, key=self._key)})

    def switch(self, id: str, *, active: bool) -> Webhook:  # noqa: A002
        """Let a webhook get notices, or no more.

        Raises:
            NotFound: there is no such webhook.
        """
        changed = self._one(_SWITCH, {"the_id": id, "active": active})
        if changed is None:
            raise self._not_found(id)
        return changed

    def remove(self, id: str) -> None:  # noqa: A002
        """Remove a webhook and its deliveries, if it is there."""
        self.connection.execute(_REMOVE, {"id": id})

    def list(self) -> builtins.list[Webhook]:
        """Return all webhooks, oldest first."""
        return self._all(_LIST)

    def list_active(self) -> builtins.list[Webhook]:
        """Return the webhooks that get notices, and keep them from being removed during the transaction."""
        return self._all(_ACTIVE)


class DeliveryStore(Store[Delivery]):
    """The outbox; ``key`` opens the secrets with which notices are signed."""

    table = deliveries
    value = Delivery
    noun = "delivery"

    def __init__(self, connection: Connection, *, key: bytes | None = None) -> None:
        super().__init__(connection)
        self._key = key

    def add_all(self, new: Sequence[Delivery]) -> None:
        """Keep new deliveries."""
        if new:
            add_rows(self.connection, deliveries, [self._row(delivery) for delivery in new], noun=self.noun)

    def update(self, id: str, *, expect: Sequence[DeliveryStatus] | None = None, **changes: Any) -> Delivery:  # noqa: A002
        """Change a delivery, if its status is one of ``expect``.

        Raises:
            NotFound: it is gone, with its webhook.
            Conflict: its status is another one.
        """
        return self._change(id, expect=expect, changes=changes)

    def has_due(self, now: datetime) -> bool:
        """Whether something is to be sent."""
        return self.connection.scalar(_HAS_DUE, {"now": now}) is not None

    def take_due(self, *, now: datetime, until: datetime, per_webhook: int) -> list[DueDelivery]:
        """Take what is to be sent, a few for each webhook: nobody else takes it before ``until``.

        The try is counted here, so a process that dies while sending leaves it to be sent again.
        """
        ids = list(
            self.connection.scalars(_TAKE, {"now": now, "until": until, "per_webhook": per_webhook}),
        )
        if not ids:
            return []
        rows = self.connection.execute(_TAKEN, {"ids": ids})
        return [
            DueDelivery(
                delivery=Delivery.model_validate(row._asdict()),
                url=row.url,
                secrets=self._secrets(row, now=now),
                format=row.format,
                carries_text=row.carries_text,
                is_active=row.is_active,
            )
            for row in rows
        ]

    def _secrets(self, row: Any, *, now: datetime) -> tuple[str, ...]:
        kept = [row.secret]
        if row.old_secret is not None and now < row.old_secret_until:
            kept.append(row.old_secret)
        found = (unseal(secret, key=self._key) for secret in kept)
        return tuple(secret for secret in found if secret is not None)

    def end_pending(self, webhook_id: str, *, error: str) -> None:
        """Give up what a webhook was still to get."""
        self.connection.execute(_END_PENDING, {"the_webhook": webhook_id, "error": error})

    def counts(self) -> dict[tuple[str, DeliveryStatus], int]:
        """Return how many deliveries each webhook has in each status."""
        rows = self.connection.execute(_COUNTS)
        return {(row.webhook_id, DeliveryStatus(row.status)): row.number for row in rows}

    def list(
        self, webhook_id: str, *, statuses: Sequence[DeliveryStatus] = (), limit: int = 50
    ) -> builtins.list[Delivery]:
        """Return the newest deliveries to a webhook, newest first."""
        statement = _NEWEST
        if statuses:
            statement = statement.where(deliveries.c.status.in_([status.value for status in statuses]))
        return self._all(statement, {"webhook_id": webhook_id, "limit": limit})

    def prune(self, *, before: datetime) -> int:
        """Remove what was delivered and is older, and return how many there were."""
        return self.connection.execute(_PRUNE, {"before": before}).rowcount
