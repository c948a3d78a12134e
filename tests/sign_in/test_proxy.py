"""A console behind a proxy that signs people in: whom it believes, seen through its own WebSocket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.sync.client import connect

from tests.browser.console import Console, running_console
from tests.sign_in.test_entrance import STRONG

PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("proxy")
    people = folder / "people.toml"
    people.write_text('[people]\n"rita@example.com" = "reviewer"\n')
    with running_console(
        Path(folder / "data"),
        TRIAGE_PEOPLE=str(people),
        TRIAGE_PROXY_SECRET=STRONG,
        STREAMLIT_SERVER_TRUSTED_USER_HEADERS='{"X-Forwarded-Email": "email"}',
    ) as started:
        yield started


def shown(console: Console, headers: dict[str, str]) -> bytes:
    """Return what the first run of the pages sends to somebody who connects with these headers."""
    address = console.url.replace("http", "ws") + "/_stcore/stream"
    sent = b""
    with connect(address, additional_headers=headers, subprotocols=["streamlit"], max_size=None) as socket:
        ask = BackMsg()
        ask.rerun_script.query_string = ""
        socket.send(ask.SerializeToString())
        while b"Inbox" not in sent and b"names nobody" not in sent and b"no access" not in sent:
            sent += bytes(socket.recv(timeout=PATIENCE_S))
    return sent


def test_the_proxy_is_believed_and_nobody_else(console: Console) -> None:
    proof = {"X-Triage-Proxy": STRONG}
    assert b"Inbox" in shown(console, {"X-Forwarded-Email": "rita@example.com", **proof})
    assert b"no access" in shown(console, {"X-Forwarded-Email": "nora@example.com", **proof})
    for spoofed in ({}, {"X-Triage-Proxy": STRONG[:-1]}, {"X-Triage-Proxy": ""}):
        sent = shown(console, {"X-Forwarded-Email": "rita@example.com", **spoofed})
        assert b"names nobody" in sent
        assert b"Inbox" not in sent
