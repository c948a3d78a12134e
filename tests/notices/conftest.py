"""Records of the test, and a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.records import Records, open_engine
from tests.migrated import migrated
from tests.notices.receiver import KEY, KIM, LOCAL, Receiver, make_sender
from triage.notices.sender import NoticeSender
from triage.notices.webhooks import NewWebhook, WebhookService


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(open_engine(migrated(tmp_path / "triage.db")), key=KEY)
    yield opened
    opened.close()


@pytest.fixture
def webhooks(records: Records) -> WebhookService:
    return WebhookService(records=records, allow=[LOCAL])


@pytest.fixture
def hook(webhooks: WebhookService, receiver: Receiver) -> NewWebhook:
    """A webhook to the receiver."""
    return webhooks.add(receiver.url, actor=KIM)


@pytest.fixture
def sender(records: Records) -> NoticeSender:
    return make_sender(records)
