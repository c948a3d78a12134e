"""The traces page in a browser: from the list to a step and back, by mouse and by keys, and two traces side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from bench.history import Plan, write
from storage.traces.queries import TraceQueries
from storage.traces.store import TraceStore
from tests.browser.conftest import OpenPage, settle
from tests.browser.console import Console, running_console
from tests.browser.desk_page import work
from tests.browser.test_keys import press_until
from triage.domain import utc_now
from triage.domain.traces import TraceFilter, TraceRow

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ROW_PX = 32


class History:
    """A console on a made-up history, and what its list shows."""

    def __init__(self, console: Console, rows: list[TraceRow]) -> None:
        self.url = f"{console.url}/traces"
        self.rows = rows

    def rows_with(self, status: str) -> list[TraceRow]:
        return [row for row in self.rows if row.status == status]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("history") / "data"
    store = TraceStore.open(folder / "traces.duckdb")
    write(store, Plan(runs=300, days=3, until=utc_now().replace(microsecond=0)))
    rows = TraceQueries(store).find(TraceFilter(), limit=300).rows
    store.close()
    with running_console(folder) as console:
        yield History(console, rows)


def click_row(page: Page, number: int) -> None:
    """Click into a row of the list, away from its box."""
    settle(page)
    page.locator(".dvn-scroller").first.click(position={"x": 200, "y": ROW_PX * (number + 1.5)})


def test_from_the_list_to_a_trace_and_back(history: History, open_page: OpenPage) -> None:
    failed = history.rows_with("failed")
    page = open_page(f"{history.url}?statuses=failed&statuses=nonsense&errors=yes")
    expect(work(page).get_by_text("“nonsense” was left out: it is no status")).to_be_visible()
    expect(work(page).get_by_text(f"{len(failed)} traces in the last 7 d")).to_be_visible()
    click_row(page, 1)
    expect(page).to_have_url(re.compile(failed[1].trace_id))
    expect(work(page).get_by_role("button", name="All traces")).to_be_visible()
    page.go_back()
    expect(work(page).get_by_text(f"{len(failed)} traces in the last 7 d")).to_be_visible()
    settle(page)
    work(page).get_by_role("button", name="Status: Failed").click()
    expect(page).not_to_have_url(re.compile("statuses"))
    expect(page).to_have_url(re.compile("errors=yes"))


def test_the_search_finds_by_key_and_by_words(history: History, open_page: OpenPage) -> None:
    page = open_page(history.url)
    field = page.get_by_label("Search the traces")
    press_until(page, "/", lambda within: expect(field).to_be_focused(timeout=within))
    field.fill("no such words anywhere")
    field.press("Enter")
    expect(work(page).get_by_text("fits these filters")).to_be_visible()
    settle(page)
    work(page).get_by_role("button", name="Clear all filters").click()
    expect(work(page).get_by_text("300 traces in the last 7 d")).to_be_visible()


def test_a_trace_is_read_by_mouse_and_by_keys(history: History, open_page: OpenPage) -> None:
    place = next(place for place, row in enumerate(history.rows[1:-1], 1) if row.status == "failed")
    before, failed, after = history.rows[place - 1 : place + 2]
    page = open_page(f"{history.url}?trace={failed.trace_id}")
    tree = page.get_by_role("tree")
    expect(tree.get_by_role("treeitem").first).to_be_visible()
    settle(page)
    tree.get_by_role("treeitem", name=re.compile("Input check passed")).click()
    expect(work(page).get_by_text("Let the message pass")).to_be_visible()
    expect(page).to_have_url(re.compile("span=span_"))
    tree.press("ArrowDown")
    expect(work(page).get_by_text(re.compile("^Agent ·"))).to_be_visible()
    page.get_by_role("button", name=re.compile("First of .* errors|Go to the error")).click()
    expect(work(page).get_by_text("Error streaming response: 500")).to_be_visible()
    # A letter over an open popover is no step to another trace.
    settle(page)
    page.get_by_role("button", name=re.compile("Share$")).click()
    share = page.get_by_test_id("stPopoverBody")
    expect(share).to_be_visible()
    page.keyboard.press("j")
    press_until(page, "Escape", lambda within: expect(share).to_be_hidden(timeout=within))
    for name, row in (("Next", after), ("Previous", failed), ("Previous", before)):
        settle(page)
        page.get_by_role("button", name=re.compile(f"{name} Shortcut")).click()
        expect(page).to_have_url(re.compile(row.trace_id))


def test_two_traces_stand_side_by_side(history: History, open_page: OpenPage) -> None:
    first, second = history.rows[:2]
    page = open_page(history.url)
    for number in range(2):
        settle(page)
        page.locator(".dvn-scroller").first.click(position={"x": 16, "y": ROW_PX * (number + 1.5)})
    compare = work(page).get_by_role("button", name="Compare", exact=True)
    expect(compare).to_be_enabled()
    settle(page)
    compare.click()
    expect(page).to_have_url(re.compile(f"trace={first.trace_id}&with={second.trace_id}"))
    expect(work(page).get_by_role("heading", name="Tool calls")).to_be_visible()
    expect(page.get_by_role("tree")).to_have_count(2)
