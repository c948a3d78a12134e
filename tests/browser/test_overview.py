"""The overview in a browser, on a made-up history: every part is drawn, and a bar leads to its traces and back."""

from __future__ import annotations

import re
import sqlite3

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RESULTS, OpenPage, go, in_both_themes, settle
from tests.browser.console import Console
from tests.browser.desk_page import choice, work

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PARTS = {
    "Summary": "Runs per day, by how they ended",
    "Runs": "Runs by status and category",
    "Cost": "Cost by agent (USD)",
    "Times": "Time to the first event per day, seconds",
    "Handoffs": "Handoffs from agent to agent",
    "Tools and models": "Fallbacks and retries per day",
    "People": "Corrections of the category, runs",
}


def test_every_part_is_drawn(history_console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{history_console.url}/overview?range=30+d")
    for part, title in PARTS.items():
        choice(page, "Part", part).click()
        expect(work(page).get_by_text(title)).to_be_visible()
        settle(page)
        for width, height in ((1280, 800), (1920, 1080)):
            page.set_viewport_size({"width": width, "height": height})
            settle(page)
            assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") <= 0, part
            cut = page.evaluate(
                "[...document.querySelectorAll('.dvn-scroller')].map(table => table.scrollWidth - table.clientWidth)"
            )
            assert all(pixels <= 1 for pixels in cut), f"{part} has tables that are cut: {cut}"
        assert page.get_by_test_id("stException").count() == 0, part
        for theme in in_both_themes(page):
            page.screenshot(path=RESULTS / f"overview-{part.lower().replace(' ', '-')}-{theme}.png", full_page=True)


def test_a_bar_leads_to_its_traces_and_back(history_console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{history_console.url}/overview?range=30+d&only_category=Billing")
    bar = page.locator(".js-plotly-plot").first.locator(".barlayer .point path").nth(8)
    # Plotly lays a plane of its own over the bars, which is what the pointer touches.
    bar.hover(force=True)
    said = page.locator(".hoverlayer .hovertext").first
    expect(said).to_contain_text("runs, done")
    runs = re.search(r"([\d,]+) runs", said.text_content() or "")
    assert runs is not None
    bar.click(force=True)
    expect(work(page).get_by_text(re.compile(rf"^{runs[1]} traces"))).to_be_visible()
    page.go_back()
    expect(work(page).get_by_text("Only Billing.")).to_be_visible()
    expect(choice(page, "Time range", "30 d")).to_be_checked()


def test_the_traces_can_be_reached_with_the_keyboard(history_console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{history_console.url}/overview?range=30+d&part=Runs")
    page.get_by_test_id("stPopoverButton").filter(has_text="account_tree").first.press("Enter")
    link = page.get_by_test_id("stPageLink-NavLink").filter(has_text="Blocked")
    link.press("Enter")
    expect(work(page).get_by_role("heading", name="Traces")).to_be_visible()
    expect(work(page).get_by_role("button", name=re.compile("Blocked"))).to_be_visible()


def test_a_broken_address_is_said_and_the_rest_is_shown(history_console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{history_console.url}/overview?range=9+weeks&only_model=none&part=Cost")
    expect(work(page).get_by_text("“9 weeks” is no time range; 7 d is shown.")).to_be_visible()
    expect(work(page).get_by_text("No model is called “none”; this filter is left out.")).to_be_visible()
    expect(work(page).get_by_text("Cost by agent (USD)")).to_be_visible()
    go(page, f"{history_console.url}/overview?only_customer=nobody@nowhere.example")
    expect(work(page).get_by_text("No runs in the last 7 d and these filters.")).to_be_visible()
    page.screenshot(path=RESULTS / "overview-empty.png")


def test_records_that_cannot_be_read_are_said_and_come_back(history_console: Console, open_page: OpenPage) -> None:
    records = sqlite3.connect(history_console.settings.data_dir / "triage.db")
    records.execute("alter table corrections rename to elsewhere")
    try:
        page = open_page(f"{history_console.url}/overview?range=24+h&part=People")
        expect(work(page).get_by_text("The records cannot be read or written now")).to_be_visible()
        page.screenshot(path=RESULTS / "overview-error.png")
    finally:
        records.execute("alter table elsewhere rename to corrections")
        records.close()
    work(page).get_by_role("button", name="Read the figures again").click()
    expect(work(page).get_by_text("Corrections of the category, runs")).to_be_visible()
