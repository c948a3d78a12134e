"""Webhook secrets: sealed in the database, renewed with a day in which both sign, and useless under another key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.records import Records, open_engine
from storage.records.sealing import is_sealed, seal, unseal
from tests.notices.receiver import KEY, KIM, Receiver, deliveries, make_sender
from tests.notices.test_signature import Check, is_from_triage
from triage.domain import utc_now
from triage.errors import NotFound
from triage.notices import notify
from triage.notices.sender import OTHER_KEY, NoticeSender
from triage.notices.webhooks import BOTH_SIGN_FOR, NewWebhook, WebhookService

__all__ = ["is_from_triage"]


def kept_secrets(records: Records) -> list[str]:
    with records.engine.connect() as connection:
        rows = connection.execute(sa.text("select secret, old_secret from webhooks")).all()
    return [secret for row in rows for secret in row if secret is not None]


Sent = tuple[dict[str, str], bytes]


@pytest.fixture
def told(records: Records, sender: NoticeSender, receiver: Receiver) -> Callable[[], Sent]:
    """Send one notice and return its headers, with their names in lower case, and its body."""

    def tell() -> Sent:
        with records.begin() as tx:
            notify(tx, "approval.new", {"id": "apr_1"})
        sender.deliver_due()
        got = receiver.received[-1]
        return {name.lower(): value for name, value in got.headers.items()}, got.body

    return tell


def test_the_database_has_no_secret_in_clear_text(
    hook: NewWebhook, webhooks: WebhookService, records: Records, tmp_path: Path
) -> None:
    new = webhooks.renew_secret(hook.webhook.id, actor=KIM)
    assert all(is_sealed(kept) for kept in kept_secrets(records))
    files = b"".join(file.read_bytes() for file in tmp_path.glob("triage.db*"))
    for secret in (hook.secret, new.secret):
        assert secret.removeprefix("whsec_").encode() not in files


def test_for_a_day_both_secrets_sign_and_then_the_new_one_alone(
    hook: NewWebhook, webhooks: WebhookService, records: Records, told: Callable[[], Sent], is_from_triage: Check
) -> None:
    new = webhooks.renew_secret(hook.webhook.id, actor=KIM)
    headers, body = told()
    assert len(headers["webhook-signature"].split()) == 2
    assert is_from_triage(hook.secret, headers, body)
    assert is_from_triage(new.secret, headers, body)
    with records.begin() as tx:
        notify(tx, "approval.new", {"id": "apr_2"})
        [due] = tx.deliveries.take_due(now=utc_now() + BOTH_SIGN_FOR, until=utc_now(), per_webhook=1)
        assert due.secrets == (new.secret,)
        tx.webhooks.forget_old_secrets(utc_now() + BOTH_SIGN_FOR)
        assert tx.webhooks.get(hook.webhook.id).old_secret_until is None
    assert len(kept_secrets(records)) == 1


def test_renewing_twice_ends_the_first_secret_at_once(
    hook: NewWebhook, webhooks: WebhookService, told: Callable[[], Sent], is_from_triage: Check
) -> None:
    second, third = (webhooks.renew_secret(hook.webhook.id, actor=KIM).secret for _ in range(2))
    headers, body = told()
    assert [is_from_triage(secret, headers, body) for secret in (hook.secret, second, third)] == [False, True, True]


def test_a_renewal_is_audited_without_the_secret(hook: NewWebhook, webhooks: WebhookService, records: Records) -> None:
    new = webhooks.renew_secret(hook.webhook.id, actor=KIM)
    with records.read() as tx:
        entry = tx.audit.list()[-1]
    assert (entry.action, entry.subject_id, entry.actor) == ("webhook.secret_renewed", hook.webhook.id, "Kim")
    assert new.secret not in str(entry)
    with pytest.raises(NotFound):
        webhooks.renew_secret("whk_none", actor=KIM)


def test_secrets_of_an_older_build_are_sealed_at_the_next_start_and_sign_on(
    hook: NewWebhook, records: Records, told: Callable[[], Sent], is_from_triage: Check
) -> None:
    with records.engine.begin() as connection:
        connection.execute(sa.text("update webhooks set secret = :secret"), {"secret": hook.secret})
    records.migrate()
    assert all(is_sealed(kept) for kept in kept_secrets(records))
    headers, body = told()
    assert is_from_triage(hook.secret, headers, body)


def test_under_another_key_nothing_is_sent_and_the_reason_is_said(
    hook: NewWebhook, records: Records, receiver: Receiver
) -> None:
    other = Records(open_engine(str(records.engine.url)), key=b"another key")
    with other.begin() as tx:
        notify(tx, "approval.new", {"id": "apr_1"})
    make_sender(other).deliver_due()
    [kept] = deliveries(other, hook.webhook)
    assert (kept.last_error, receiver.received) == (OTHER_KEY, [])
    # A new secret mends it.
    WebhookService(records=other, allow=["127.0.0.1"]).renew_secret(hook.webhook.id, actor=KIM)
    make_sender(other).deliver_due(utc_now() + timedelta(minutes=5))
    assert len(receiver.received) == 1
    other.close()


def test_a_seal_opens_with_its_key_only_and_not_when_it_was_altered() -> None:
    sealed = seal("whsec_x", key=KEY)
    assert unseal(sealed, key=KEY) == "whsec_x"
    altered = sealed[:-4] + ("A" if sealed[-4] != "A" else "B") + sealed[-3:]
    assert [unseal(sealed, key=b"other"), unseal(sealed, key=None), unseal(altered, key=KEY)] == [None] * 3
    assert seal("whsec_x", key=KEY) != sealed
