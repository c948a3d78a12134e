"""Every page opens, in both themes and widths, with work and without any."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RESULTS, OpenPage, go, in_both_themes, settle
from tests.browser.console import Console, running_console
from tests.browser.desk_page import act_as, assert_in_order, choice, follow, work
from triage.domain import Actor, RunStatus

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = {
    "": "Inbox",
    "approvals": "Approvals",
    "overview": "Overview",
    "traces": "Traces",
    "guardrails": "Guardrails",
    "team": "Team",
    "policies": "Policies",
    "audit": "Audit log",
}
EMPTY = {
    "": "Nothing here yet",
    "approvals": "Nothing waits for a decision",
    "overview": "No runs in the last",
    "traces": "No trace in the last 7 d",
    "guardrails": "No check stopped anything in this time",
    "alerts": "Too few to tell",
    "team": "Who hands over to whom",
    "policies": "From the top: the first rule",
    "audit": "Sample records loaded",
    "access": "you need the role admin",
}
EMPTY_VIEWS = {
    "Data": {
        "Kept": "it happens by itself once a day",
        "Exports": "Nothing was exported yet. Choose the days",
        "Erase a customer": "No customer was erased yet",
        "Backups": "No backup was made here yet. Name a file",
    },
    "Alerts": {"Budgets": "A spent budget refuses new runs"},
}


@pytest.fixture(scope="module")
def new_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console as it is after the very first start, without a model."""
    RESULTS.mkdir(exist_ok=True)
    with running_console(tmp_path_factory.mktemp("new") / "data") as started:
        yield started


def test_a_new_console_says_what_to_do_on_every_page(new_console: Console, open_page: OpenPage) -> None:
    page = open_page(new_console.url)
    for path, words in EMPTY.items():
        go(page, f"{new_console.url}/{path}")
        # A table says its words a second time, unseen, for readers of the screen.
        expect(work(page).get_by_text(words).filter(visible=True).first).to_be_visible()
        expect(page.get_by_test_id("stSidebar").get_by_text("Offline engine").first).to_be_visible()
        assert_in_order(page, f"/{path}")
        page.screenshot(path=RESULTS / f"{path or 'desk'}-empty.png")


def test_a_new_console_tells_an_administrator_what_will_be_there(new_console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{new_console.url}/data")
    act_as(page, "admin")
    for name, views in EMPTY_VIEWS.items():
        follow(page, name)
        for view, words in views.items():
            choice(page, "View", view).click()
            expect(work(page).get_by_text(words)).to_be_visible()
            settle(page)
            page.screenshot(path=RESULTS / f"{name.lower()}-{view.lower().replace(' ', '-')}-empty.png")


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


def test_every_page_opens(busy_console: Console, open_page: OpenPage) -> None:
    page = open_page(busy_console.url)
    for path, title in PAGES.items():
        go(page, f"{busy_console.url}/{path}")
        for theme in in_both_themes(page):
            for width, height in ((1280, 800), (1920, 1080)):
                page.set_viewport_size({"width": width, "height": height})
                expect(work(page).get_by_role("heading", name=title, exact=True)).to_be_visible()
                settle(page)
                assert_in_order(page, f"/{path} {theme}")
