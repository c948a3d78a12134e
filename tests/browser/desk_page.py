"""What a person does at the desk, in words for the tests."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect


def submit(page: Page, text: str, *, email: str = "") -> None:
    """Submit a message with the dialog and wait until it is the open one."""
    page.get_by_role("button", name=re.compile("^New")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="What the customer wrote").fill(text)
    if email:
        dialog.get_by_role("textbox", name="Customer's e-mail").fill(email)
    dialog.get_by_role("button", name="Submit").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name=text[:40])).to_be_visible()


def work(page: Page) -> Locator:
    """Everything on the page beside the navigation."""
    return page.locator('[data-testid="stMain"]')


def choice(page: Page, group: str, name: str) -> Locator:
    """One of a row of choices, by the words of both."""
    return page.get_by_role("radiogroup", name=group).get_by_role("radio", name=name, exact=True)


def act_as(page: Page, role: str) -> None:
    """Choose a role in the sidebar; it lasts until the page is loaded anew, so go on by ``follow``."""
    page.get_by_role("button", name=re.compile("Local mode")).click()
    page.get_by_test_id("stPopoverBody").get_by_role("combobox").click()
    page.get_by_role("option", name=role, exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stSidebar").get_by_text(f"Acting as {role}")).to_be_visible()


def follow(page: Page, name: str) -> None:
    """Go to a page by the navigation."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    expect(work(page).get_by_role("heading", name=name, exact=True)).to_be_visible()


def assert_in_order(page: Page, what: str) -> None:
    """Find no error of ours, nothing too wide and no table that is cut."""
    assert page.get_by_test_id("stException").count() == 0, what
    assert page.get_by_text("Traceback").count() == 0, what
    too_wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    assert too_wide <= 0, f"{what} is {too_wide} pixels too wide."
    cut = page.evaluate(
        "[...document.querySelectorAll('.dvn-scroller')].filter(table => table.scrollWidth > table.clientWidth + 1)"
        ".map(table => table.scrollWidth - table.clientWidth)"
    )
    assert not cut, f"{what} has tables whose last {cut} pixels are out of sight."
