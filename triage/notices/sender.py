"""Empties the outbox: one thread of the owner sends what is due, and tries again later what was not taken.

A try is counted and put off in the records before it is made, so whatever ends the process in between, the notice is
sent again, under the same id. Nothing is sent while a transaction is open.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import structlog

from triage.domain import REPLY_TOPICS, Delivery, DeliveryStatus, NewAuditEntry, NoticeTopic, Role, utc_now
from triage.errors import Conflict, NotFound
from triage.gateway import Gateway, Stores
from triage.notices.addresses import Resolve, ask_system
from triage.notices.message import message
from triage.notices.outbox import SWITCHED_OFF
from triage.notices.sending import TIMEOUT_S, Outcome, new_client, send
from triage.notices.signature import signed_headers

INTERVAL_S = 1.0
# For this long nobody else sends what one has taken; more than a try can last.
TAKEN_FOR = timedelta(minutes=2)
PER_WEBHOOK = 5
# Ten tries over about eight hours.
MAX_ATTEMPTS = 10
FIRST_WAIT_S = 15.0
WAIT_FACTOR = 3.0
LONGEST_WAIT_S = 7200.0
KEPT_FOR = timedelta(days=14)
PRUNE_EVERY = timedelta(hours=1)
OTHER_KEY = "Its secret was sealed with another TRIAGE_SECRET_KEY; put that key back, or make a new secret."
_USER_AGENT = "triage-console"

log = structlog.get_logger(__name__)


class NoticeSender:
    """The thread that sends notices."""

    def __init__(
        self,
        *,
        records: Gateway,
        console_url: str,
        allow: Collection[str] = (),
        timeout_s: float = TIMEOUT_S,
        resolve: Resolve = ask_system,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._records = records
        self._console_url = console_url
        self._allow = frozenset(allow)
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._jitter = jitter
        self._pruned_at: datetime | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="notice-sender", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def close(self) -> None:
        """Finish the tries that are under way and stop; what is left waits in the outbox."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._timeout_s + 5)

    def deliver_due(self, now: datetime | None = None) -> int:
        """Try once what is due, a few for each webhook, and return how many tries there were."""
        now = now or utc_now()
        with self._records.read() as tx:
            if not tx.deliveries.has_due(now):
                return 0
        with self._records.begin() as tx:
            taken = tx.deliveries.take_due(now=now, until=now + TAKEN_FOR, per_webhook=PER_WEBHOOK)
        outcomes = asyncio.run(self._send_all(taken, replies=self._replies(taken), now=now))
        with self._records.begin() as tx:
            # A receiver that wants no more has taken what it took.
            for due, outcome in sorted(zip(taken, outcomes, strict=True), key=lambda tried: tried[1].is_gone):
                self._record(tx, due.delivery, outcome, now=now)
        return len(taken)

    def wait_s(self, attempts: int, *, retry_after_s: int | None = None) -> float:
        """Return the seconds to wait after so many tries: growing, bounded, and spread so that not all come at once."""
        grown = min(FIRST_WAIT_S * WAIT_FACTOR ** (attempts - 1), LONGEST_WAIT_S)
        spread = grown * (0.75 + 0.5 * self._jitter())
        return min(max(spread, float(retry_after_s or 0)), LONGEST_WAIT_S)

    def _replies(self, taken: list[Any]) -> dict[str, str]:
        """Return the words of replies that are to be told, by delivery; what was erased since then has none."""
        wanted = [due.delivery for due in taken if due.carries_text and due.delivery.topic in REPLY_TOPICS]
        if not wanted:
            return {}
        with self._records.read() as tx:
            found = {delivery.id: _reply(tx, delivery) for delivery in wanted}
        return {delivery_id: text for delivery_id, text in found.items() if text}

    async def _send_all(self, taken: list[Any], *, replies: dict[str, str], now: datetime) -> list[Outcome]:
        async with new_client() as client:
            sent = (self._send(client, due, reply=replies.get(due.delivery.id), now=now) for due in taken)
            return list(await asyncio.gather(*sent))

    async def _send(self, client: Any, due: Any, *, reply: str | None, now: datetime) -> Outcome:
        if not due.is_active:
            return Outcome(SWITCHED_OFF, is_gone=True)
        if not due.secrets:
            return Outcome(OTHER_KEY)
        try:
            body = message(due.delivery.body, form=due.format, console_url=self._console_url, reply=reply)
            signed = signed_headers(due.secrets, delivery_id=due.delivery.id, timestamp=int(now.timestamp()), body=body)
            return await send(
                client,
                due.url,
                body=body.encode(),
                headers={**signed, "user-agent": _USER_AGENT},
                allow=self._allow,
                resolve=self._resolve,
                timeout_s=self._timeout_s,
            )
        except Exception as error:  # noqa: BLE001 - one notice that cannot be sent must not keep back the others
            return Outcome(f"The notice could not be sent ({type(error).__name__}).")

    def _record(self, tx: Stores, delivery: Delivery, outcome: Outcome, *, now: datetime) -> None:
        changes: dict[str, Any] = {"last_error": outcome.error}
        if outcome.error is None:
            changes |= {"status": DeliveryStatus.DELIVERED, "delivered_at": now}
        elif outcome.is_gone or delivery.attempts >= MAX_ATTEMPTS:
            changes["status"] = DeliveryStatus.DEAD
        else:
            wait = self.wait_s(delivery.attempts, retry_after_s=outcome.retry_after_s)
            changes["next_at"] = now + timedelta(seconds=wait)
        try:
            tx.deliveries.update(delivery.id, expect=(DeliveryStatus.PENDING,), **changes)
        except (NotFound, Conflict):
            # The webhook was removed or switched off in the meantime.
            return
        if outcome.error is not None:
            log.warning("notice_not_taken", delivery=delivery.id, webhook=delivery.webhook_id, tries=delivery.attempts)
        if outcome.is_gone:
            _switch_off(tx, delivery.webhook_id, now=now)

    def _prune(self, now: datetime) -> None:
        """Forget now and then what was delivered long ago, and secrets that sign no more."""
        if self._pruned_at is None or now - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = now
            with self._records.begin() as tx:
                tx.deliveries.prune(before=now - KEPT_FOR)
                tx.webhooks.forget_old_secrets(now)

    def _loop(self) -> None:
        while not self._closing.wait(INTERVAL_S):
            try:
                while self.deliver_due() and not self._closing.is_set():
                    pass
                self._prune(utc_now())
            except Exception as error:  # noqa: BLE001 - a locked database must not end the thread; what is due stays due
                log.warning("notices_not_sent", error=type(error).__name__)


def _reply(tx: Stores, delivery: Delivery) -> str | None:
    """Return the reply that a notice is about: the one that was sent, or the draft as it stands now."""
    about = json.loads(delivery.body)["run"]
    if delivery.topic is NoticeTopic.REPLY_SENT:
        messages = tx.conversations.messages(about["conversation_id"])
        return next((message.text for message in messages if message.id == about.get("reply_id")), None)
    run = tx.runs.find(about["id"])
    return run.reply if run is not None else None


def _switch_off(tx: Stores, webhook_id: str, *, now: datetime) -> None:
    """Send nothing more to a receiver that said so."""
    if tx.webhooks.get(webhook_id).is_active:
        tx.webhooks.switch(webhook_id, active=False)
        tx.audit.add(
            NewAuditEntry(
                at=now, actor="receiver (410)", role=Role.OPERATOR, action="webhook.switched_off",
                subject_kind="webhook", subject_id=webhook_id, before={"is_active": True}, after={"is_active": False},
            )
        )  # fmt: skip
    tx.deliveries.end_pending(webhook_id, error=SWITCHED_OFF)
