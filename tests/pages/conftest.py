"""A console on a data folder of the test, for tests that run whole pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components.context import ROLE_KEY, services
from triage.domain import Role, Run, RunStatus
from triage.services import Services

CONSOLE = Path(__file__).parents[2] / "pages" / "console.py"
_PATIENCE_S = 30.0

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Forget what the pages of another test have read."""
    st.cache_data.clear()


@pytest.fixture
def running(unpaced: None, started_once: Path) -> Iterator[Services]:
    """The services of a console whose offline engine answers."""
    services.clear()
    opened = services()
    yield opened
    services.clear()
    opened.close()


@pytest.fixture
def open_page(running: Services) -> OpenPage:
    """Open a page as a person with a role; ``query`` is what stands in the address."""

    def open_(name: str, *, role: Role = Role.MANAGER, **query: str) -> AppTest:
        page = AppTest.from_file(str(CONSOLE), default_timeout=_PATIENCE_S)
        page.session_state[ROLE_KEY] = role
        # Before the first run a page is found by its file's name, which is its address: like a link from elsewhere.
        page.switch_page(f"{name}.py")
        for key, value in query.items():
            page.query_params[key] = value
        return page.run()

    return open_


@pytest.fixture
def settle(running: Services) -> Callable[[Run], Run]:
    """Wait until a run has ended or waits for a person, and its spans can be queried."""

    def wait(run: Run) -> Run:
        deadline = time.monotonic() + _PATIENCE_S
        now = running.runs.get(run.id)
        while not (now.status.is_final or now.status is RunStatus.AWAITING_APPROVAL):
            assert time.monotonic() < deadline, f"the run is still {now.status}"
            time.sleep(0.02)
            now = running.runs.get(run.id)
        running.settle_traces()
        return now

    return wait
