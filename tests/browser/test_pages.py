"""Every page opens, in both themes and widths, with work and without any."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, go, settle
from tests.browser.console import Console, running_console
from tests.browser.desk_page import work
from triage.domain import Actor, RunStatus

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = {
    "": "Inbox",
    "approvals": "Approvals",
    "overview": "Overview",
    "traces": "Traces",
    "team": "Team",
    "policies": "Policies",
    "audit": "Audit log",
}
EMPTY = {
    "": "Nothing here yet",
    "approvals": "Nothing waits for a decision",
    "overview": "No runs in the last",
    "traces": "No trace in the last 7 d",
    "team": "Who hands over to whom",
    "policies": "From the top: the first rule",
    "audit": "Sample records loaded",
    "access": "you need the role admin",
}


@pytest.fixture(scope="module")
def new_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console as it is after the very first start, without a model."""
    with running_console(tmp_path_factory.mktemp("new") / "data") as started:
        yield started


def test_a_new_console_says_what_to_do_on_every_page(new_console: Console, open_page: OpenPage) -> None:
    page = open_page(new_console.url)
    for path, words in EMPTY.items():
        go(page, f"{new_console.url}/{path}")
        expect(work(page).get_by_text(words).first).to_be_visible()
        expect(page.get_by_test_id("stSidebar").get_by_text("Offline engine").first).to_be_visible()
        _assert_in_order(page, path)


@pytest.fixture(scope="module")
def busy_console(console: Console) -> Console:
    """A console with a finished run and an action that waits."""
    someone = Actor(name="olga")
    with console.records() as services:
        sent = [
            services.runs.submit(text, actor=someone, customer_email="ops@granite.example")
            for text in ("The board is slow since this morning", "All our data is gone, every project is empty")
        ]
        deadline = time.monotonic() + 60
        while any(services.runs.get(run.id).status in (RunStatus.QUEUED, RunStatus.RUNNING) for run in sent):
            assert time.monotonic() < deadline, "The runs did not come to an end."
            time.sleep(0.1)
    return console


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_opens(busy_console: Console, open_page: OpenPage, theme: Any) -> None:
    page = open_page(busy_console.url, theme=theme)
    for path, title in PAGES.items():
        go(page, f"{busy_console.url}/{path}")
        for width, height in ((1280, 800), (1920, 1080)):
            page.set_viewport_size({"width": width, "height": height})
            expect(work(page).get_by_role("heading", name=title, exact=True)).to_be_visible()
            settle(page)
            _assert_in_order(page, path)


def _assert_in_order(page: Page, path: str) -> None:
    assert page.get_by_test_id("stException").count() == 0, path
    assert page.get_by_text("Traceback").count() == 0, path
    too_wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    assert too_wide <= 0, f"/{path} is {too_wide} pixels too wide."
    cut = page.evaluate(
        "[...document.querySelectorAll('.dvn-scroller')].filter(table => table.scrollWidth > table.clientWidth + 1)"
        ".map(table => table.scrollWidth - table.clientWidth)"
    )
    assert not cut, f"/{path} has tables whose last {cut} pixels are out of sight."
