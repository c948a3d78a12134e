"""The lines of the documentation that receivers copy: they take what we send, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.records import Records
from tests.notices.receiver import Receiver, make_sender
from triage.notices import notify
from triage.notices.signature import new_secret
from triage.notices.webhooks import NewWebhook

DOCUMENT = Path(__file__).parents[2] / "docs" / "webhooks.md"
Check = Callable[[str, dict[str, str], bytes], bool]
Sent = tuple[dict[str, str], bytes]


@pytest.fixture
def is_from_triage() -> Check:
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Check] = {}
    exec(snippet, names)
    return names["is_from_triage"]


@pytest.fixture
def sent(records: Records, hook: NewWebhook, receiver: Receiver) -> Sent:
    with records.begin() as tx:
        notify(tx, "approval.new", {"id": "apr_1", "summary": "Grüße, “quoted”"})
    make_sender(records).deliver_due()
    (got,) = receiver.received
    return {name.lower(): value for name, value in got.headers.items()}, got.body


def test_what_was_sent_is_taken(hook: NewWebhook, sent: Sent, is_from_triage: Check) -> None:
    headers, body = sent
    assert is_from_triage(hook.secret, headers, body)
    # While a secret is changed there may be two signatures.
    assert is_from_triage(hook.secret, {**headers, "webhook-signature": f"v1,x {headers['webhook-signature']}"}, body)


@pytest.mark.parametrize(
    "forged",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,é"},
        {"webhook-id": "ntc_other"},
        {"webhook-timestamp": str(int(datetime.now(UTC).timestamp()) + 60)},
        {"webhook-timestamp": "soon"},
    ],
)
def test_what_was_changed_on_the_way_is_refused(
    hook: NewWebhook, sent: Sent, is_from_triage: Check, forged: dict[str, str]
) -> None:
    headers, body = sent
    assert not is_from_triage(hook.secret, {**headers, **forged}, body)


def test_another_body_secret_or_no_headers_are_refused(hook: NewWebhook, sent: Sent, is_from_triage: Check) -> None:
    headers, body = sent
    assert not is_from_triage(hook.secret, headers, body.replace(b"apr_1", b"apr_2"))
    for cut in (b"", body[:-1], body[: len(body) // 2], body + b"\n", body + body):
        assert not is_from_triage(hook.secret, headers, cut)
    assert not is_from_triage(new_secret(), headers, body)
    assert not is_from_triage(hook.secret, {}, body)


def test_what_somebody_kept_is_refused_later(
    records: Records, hook: NewWebhook, receiver: Receiver, is_from_triage: Check
) -> None:
    """The signature is right, but it was made ten minutes ago."""
    ten_minutes_ago = datetime.now(UTC) - timedelta(minutes=10)
    with records.begin() as tx:
        notify(tx, "approval.new", {"id": "apr_1"}, now=ten_minutes_ago)
    make_sender(records).deliver_due(ten_minutes_ago)
    (got,) = receiver.received
    assert not is_from_triage(hook.secret, {name.lower(): value for name, value in got.headers.items()}, got.body)
