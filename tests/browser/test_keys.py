"""The desk without a mouse: the keys of the inbox, and the dialogs of the menu."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from pages.components.context import DEFAULT_NAME
from tests.browser.conftest import LONGEST_WAIT_MS, OpenPage, settle
from tests.browser.console import Console
from tests.browser.desk_page import submit, work
from triage.domain import Actor, Run, RunStatus

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OLGA = Actor(name="olga")
LOST = "All our data is gone after the update, every project is empty"


def expect_open(page: Page, run: Run) -> None:
    """Expect that a run is the open one: its heading, its row in the inbox and the address say so."""
    expect(work(page).get_by_role("heading", name=run.message)).to_be_visible()
    # The list with another choice is another widget, and for a moment both are there.
    expect(page.get_by_role("radio", name=run.message, checked=True).first).to_be_attached()
    expect(page).to_have_url(re.compile(run.id))


TRIES = 4


def step(page: Page, key: str) -> None:
    """Press a key when the page has come to rest: while a script runs its buttons hear none."""
    settle(page)
    page.keyboard.press(key)


def press_until(page: Page, key: str, arrived: Callable[[float], None]) -> None:
    """Press a key until it has its effect, since a key that comes while a script runs is lost.

    ``arrived`` expects the effect within some milliseconds.
    """
    for _ in range(TRIES):
        step(page, key)
        with contextlib.suppress(AssertionError):
            arrived(LONGEST_WAIT_MS / TRIES)
            return
    raise AssertionError(f"The key {key} had no effect.")


def step_to(page: Page, key: str, run: Run) -> None:
    """Go to a message with a key."""
    press_until(page, key, lambda within: expect(page).to_have_url(re.compile(run.id), timeout=within))
    expect_open(page, run)


def test_j_and_k_go_to_the_next_and_the_previous_message(console: Console, open_page: OpenPage) -> None:
    with console.records() as services:
        oldest, middle, newest = [
            services.runs.submit(f"How do I add a seat? stepping {word}", actor=OLGA)
            for word in ("first", "second", "third")
        ]
    page = open_page(f"{console.url}/?q=stepping")
    expect_open(page, newest)
    for key, opened in (("j", middle), ("j", oldest), ("k", middle), ("k", newest)):
        step_to(page, key, opened)
    expect(page.get_by_role("button", name="Previous message")).to_be_disabled()
    # A click leaves the focus in the list, where the keys go on from.
    settle(page)
    page.get_by_role("radiogroup", name="Messages").get_by_text("stepping second").click()
    expect_open(page, middle)
    for key, opened in (("j", oldest), ("k", middle)):
        step_to(page, key, opened)
    step(page, "/")
    expect(page.get_by_label("Search the inbox")).to_be_focused()


def test_n_opens_the_form_and_letters_stay_letters_where_one_writes(console: Console, open_page: OpenPage) -> None:
    page = open_page(console.url)
    field = page.get_by_role("dialog").get_by_role("textbox", name="What the customer wrote")
    press_until(page, "n", lambda within: expect(field).to_be_visible(timeout=within))
    field.focus()
    page.keyboard.type("jkn/")
    expect(field).to_have_value("jkn/")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    step(page, "/")
    search = page.get_by_label("Search the inbox")
    expect(search).to_be_focused()
    page.keyboard.type("no such words/")
    expect(search).to_have_value("no such words/")
    expect(work(page).get_by_text("Nothing found.")).to_be_visible()


def test_the_menu_escalates_links_cancels_and_runs_again(console: Console, open_page: OpenPage) -> None:
    page = open_page(console.url)
    submit(page, f"{LOST} (menu)", email="ops@granite.example")
    expect(work(page).get_by_text("Waiting for a decision")).to_be_visible()
    run = console.run_with("(menu)")
    # A word is no command, though its second letter alone would approve.
    settle(page)
    page.keyboard.type("zap")

    dialog = choose(page, "Escalate to a person")
    dialog.get_by_role("button", name="Escalate", exact=True).click()
    expect(dialog.get_by_text("Give a reason")).to_be_visible()
    # The letters of Approve, Reject and New: with the focus outside of its field they are the reason all the same.
    reason = dialog.get_by_role("textbox", name="Reason")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type("axn")
    expect(reason).to_have_value("axn")
    reason.fill("Their contract ends this week.")
    dialog.get_by_role("button", name="Escalate", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(work(page).get_by_text("Their contract ends this week.").first).to_be_visible()

    dialog = choose(page, "Copy a link")
    expect(dialog.locator("code")).to_have_text(f"{console.url}/?run={run.id}")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    # Nor is a letter over the open menu, or over the popover, whose field is the name under which one acts.
    for opener, opened in (("More$", page.get_by_role("menu")), ("Local mode", page.get_by_test_id("stPopoverBody"))):
        settle(page)
        page.get_by_role("button", name=re.compile(opener)).click()
        expect(opened).to_be_visible()
        page.keyboard.press("a")
        if opener == "Local mode":
            expect(opened.get_by_label("Your name")).to_have_value(DEFAULT_NAME)
        press_until(page, "Escape", lambda within, opened=opened: expect(opened).to_be_hidden(timeout=within))

    dialog = choose(page, "Cancel the run")
    dialog.get_by_role("button", name="Back").click()
    expect(dialog).to_be_hidden()
    assert console.run_with("(menu)").status is RunStatus.AWAITING_APPROVAL
    choose(page, "Cancel the run").get_by_role("button", name="Cancel the run").click()
    expect(work(page).get_by_text("The run was cancelled.")).to_be_visible()
    assert console.run_with("(menu)").status is RunStatus.CANCELLED

    page.get_by_role("button", name=re.compile("More$")).click()
    page.get_by_role("menuitem", name=re.compile("Run again$")).click()
    expect(page).not_to_have_url(re.compile(run.id))
    expect(work(page).get_by_text("Waiting for a decision")).to_be_visible()
    assert console.run_with("(menu)").retry_of == run.id


def choose(page: Page, words: str) -> Locator:
    """Choose an entry of the menu that opens a dialog, and return the dialog."""
    page.get_by_role("button", name=re.compile("More$")).click()
    page.get_by_role("menuitem", name=re.compile(f"{words}$")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog
