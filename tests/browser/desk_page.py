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
