"""A help desk that really listens, shared by the tests of a module, and records of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agents.tracing import get_trace_provider

from storage.records import Records, open_engine
from tests.migrated import migrated
from tests.servers.help_desk import HelpDeskServer
from triage.connectors.help_desk import HttpHelpDesk


@pytest.fixture(scope="module")
def _help_desk_server() -> Iterator[HelpDeskServer]:
    with HelpDeskServer() as server:
        yield server


@pytest.fixture
def server(_help_desk_server: HelpDeskServer) -> Iterator[HelpDeskServer]:
    _help_desk_server.reset()
    yield _help_desk_server
    _help_desk_server.reset()


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(open_engine(migrated(tmp_path / "records.db")))
    yield opened
    opened.close()


@pytest.fixture
def _quiet() -> Iterator[None]:
    """No spans: nobody reads them here."""
    provider = get_trace_provider()
    provider.set_disabled(True)
    yield
    provider.set_disabled(False)


def desk_of(server: HelpDeskServer, **given: Any) -> HttpHelpDesk:
    """Return a client of the server that waits for nothing between its tries."""
    usual = {"token": None, "console_url": "https://desk.example.com", "timeout_s": 0.3, "wait": lambda _: None}
    return HttpHelpDesk(server.url, **{**usual, **given})
