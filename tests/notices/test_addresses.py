"""Where notices may not go, asked at the moment of sending."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from storage.records import Records
from tests.notices.receiver import KIM, LOCAL, NOW, Receiver, deliveries, make_sender
from triage.domain import DeliveryStatus
from triage.errors import InvalidInput
from triage.notices import notify
from triage.notices.addresses import check_url, is_internal
from triage.notices.sending import new_client
from triage.notices.webhooks import WebhookService

INTERNAL = [
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:db8::1",
    "64:ff9b:1::1", "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_known(address: str) -> None:
    assert is_internal(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_let_through(address: str) -> None:
    assert not is_internal(ip_address(address))


def _tell(records: Records) -> None:
    with records.begin() as tx:
        notify(tx, "approval.new", {"id": "apr_1"}, now=NOW)


@pytest.mark.parametrize(
    "name", ["localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "hooks.example.com"]
)
def test_a_name_that_leads_inside_is_refused_when_it_is_sent_to(
    records: Records, receiver: Receiver, name: str
) -> None:
    """The webhook is added while the host is allowed; then it no longer is, or its name leads somewhere else."""
    port = receiver.url.rpartition(":")[2]
    hook = WebhookService(records=records, allow=[name]).add(f"http://{name}:{port}", actor=KIM)
    _tell(records)

    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", LOCAL]

    given = {"resolve": resolve} if name == "hooks.example.com" else {}
    make_sender(records, allow=[], **given).deliver_due(NOW)
    (kept,) = deliveries(records, hook.webhook)
    assert kept.status is DeliveryStatus.PENDING
    assert kept.last_error is not None
    assert "TRIAGE_WEBHOOK_ALLOW" in kept.last_error
    assert receiver.received == []


def test_the_connection_goes_to_the_address_that_was_checked(records: Records, receiver: Receiver) -> None:
    """A name that answers differently at the second question gets no second question."""
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return [LOCAL]

    port = receiver.url.split(":")[2].split("/")[0]
    allowed = WebhookService(records=records, allow=["hooks.invalid"])
    hook = allowed.add(f"http://hooks.invalid:{port}/hook", actor=KIM)
    _tell(records)
    make_sender(records, allow=["hooks.invalid"], resolve=resolve).deliver_due(NOW)
    assert deliveries(records, hook.webhook)[0].status is DeliveryStatus.DELIVERED
    assert asked == ["hooks.invalid"]
    assert receiver.received[0].headers["host"] == f"hooks.invalid:{port}"


def test_the_next_address_is_tried_when_one_does_not_answer(records: Records, receiver: Receiver) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        # Nothing listens at the first one.
        return ["127.0.0.1" if host == LOCAL else "::1", LOCAL]

    url = receiver.url.replace(LOCAL, "hooks.invalid")
    hook = WebhookService(records=records, allow=["hooks.invalid"]).add(url, actor=KIM)
    _tell(records)
    make_sender(records, allow=["hooks.invalid"], resolve=resolve).deliver_due(NOW)
    assert deliveries(records, hook.webhook)[0].status is DeliveryStatus.DELIVERED


def test_a_name_that_nobody_knows_is_said(records: Records) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError

    hook = WebhookService(records=records).add("https://hooks.invalid", actor=KIM)
    _tell(records)
    make_sender(records, resolve=resolve).deliver_due(NOW)
    assert deliveries(records, hook.webhook)[0].last_error == "The host's name is not known."


async def test_the_client_uses_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with new_client() as client:
        assert not client.trust_env
        assert not client.follow_redirects


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is not one"),
        ("ftp://example.com", "is not one"),
        ("https://", "is not one"),
        ("https://exa mple.com", "is not one"),
        ("https://example.com/" + "x" * 2000, "is not one"),
        ("https://ann:pass@example.com", "without a user name"),
        ("https://example.com/#part", "without a user name"),
        ("http://example.com", "must begin with https"),
        ("https://127.0.0.1/x", "TRIAGE_WEBHOOK_ALLOW"),
        ("https://[::1]/x", "TRIAGE_WEBHOOK_ALLOW"),
        ("https://169.254.169.254/latest", "TRIAGE_WEBHOOK_ALLOW"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_when_it_is_added(url: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        check_url(url, allow=["chat.internal"])


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com/services/T/B/x", "http://chat.internal:8080/x", " https://example.com?a=b "]
)
def test_an_address_that_can_be_used_is_taken(url: str) -> None:
    assert check_url(url, allow=["Chat.Internal."]) == url.strip()
