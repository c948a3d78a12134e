"""Alerts, guardrails, data and traces with something in them, and when something cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RESULTS, OpenPage, go, in_both_themes, settle
from tests.browser.console import Console
from tests.browser.desk_page import act_as, assert_in_order, choice, follow, work
from triage.domain import Actor, Budget, BudgetPeriod, Role

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ADMIN = Actor(name="ada", role=Role.ADMIN)
VIEWS = {
    "Alerts": {"Rules": "warning over 3 %, alert over 5 %", "Budgets": "of $40.00 spent", "History": "No data is not"},
    "Data": {
        "Kept": "Look at what is due: done",
        "Exports": "Export traces-",
        "Erase a customer": "Orders and accounts stay",
        "Backups": "brings it back into an empty folder",
    },
}
TABLES = ("alert_rules", "trip_marks", "data_jobs")


@pytest.fixture(scope="module")
def busy_console(history_console: Console) -> Console:
    """The console with budgets, an export and a look at what is due."""
    with history_console.records() as services:
        services.alerts.set_budget(Budget(period=BudgetPeriod.DAY, limit_usd=Decimal(40), is_on=True), actor=ADMIN)
        services.data_care.export_traces(actor=ADMIN, statuses=["failed"])
        services.data_care.apply_retention(actor=ADMIN, dry_run=True)
    return history_console


def test_alerts_guardrails_and_data_are_drawn(busy_console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{busy_console.url}/guardrails?range=30+d")

    def look(name: str) -> None:
        for theme in in_both_themes(page):
            for width, height in ((1280, 800), (1920, 1080)):
                page.set_viewport_size({"width": width, "height": height})
                settle(page)
                assert_in_order(page, f"{name} {theme}")
                page.screenshot(path=RESULTS / f"{name.lower().replace(' ', '-')}-{theme}-{width}.png")

    expect(work(page).get_by_text("Trips per day, by guardrail and kind")).to_be_visible()
    expect(page.locator(".st-key-trip")).to_be_visible()
    look("guardrails")
    act_as(page, "admin")
    for name, views in VIEWS.items():
        follow(page, name)
        for view, words in views.items():
            choice(page, "View", view).click()
            expect(work(page).get_by_text(words).first).to_be_visible()
            look(f"{name} {view}")


@contextmanager
def out_of_reach(console: Console) -> Iterator[None]:
    """Take tables of the records away for a while."""
    records = sqlite3.connect(console.settings.data_dir / "triage.db", timeout=20)
    for table in TABLES:
        records.execute(f"alter table {table} rename to {table}_elsewhere")
    try:
        yield
    finally:
        for table in TABLES:
            records.execute(f"alter table {table}_elsewhere rename to {table}")
        records.close()


def test_what_cannot_be_read_is_said_on_each_page(busy_console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{busy_console.url}/traces?trace=trace_of_nothing")
    expect(work(page).get_by_text("There is no trace with the id trace_of_nothing")).to_be_visible()
    page.screenshot(path=RESULTS / "traces-error.png")
    act_as(page, "admin")
    with out_of_reach(busy_console):
        for name in ("Alerts", "Guardrails", "Data"):
            follow(page, name)
            expect(work(page).get_by_text("The records cannot be read or written now").first).to_be_visible()
            page.screenshot(path=RESULTS / f"{name.lower()}-error.png")
    go(page, f"{busy_console.url}/alerts")
    expect(work(page).get_by_text("warning over 3 %, alert over 5 %")).to_be_visible()
