"""The desk in a real browser: live events, decisions from another session, closed tabs, text that stays text."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, PacedBrain, go
from tests.browser.console import Console
from tests.browser.desk_page import submit, work
from triage.domain import FINAL_RUN_STATUSES, Approval, ApprovalStatus, Run, RunStatus

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FORBIDDEN = "127.0.0.1:9/"
NASTY = (
    "My export fails <script>document.title='owned'</script> <img src=x onerror=\"document.title='owned'\"> "
    f"![picture](http://{FORBIDDEN}x.png) [link](javascript:alert(1)) $E=mc^2$ :red[red] :material/home: **bold**"
)
LOST = "All our data is gone after the update, every project is empty"


def test_events_come_before_the_run_ends(console: Console, open_page: OpenPage, brain: PacedBrain) -> None:
    page = open_page(console.url)
    brain.gate.clear()
    text = "My invoices aren't generating since yesterday and we have a client audit tomorrow"
    submit(page, text, email="dana@northwind.example")
    expect(work(page).get_by_text("Searched the knowledge base for")).to_be_visible()
    assert console.run_with(text).status is RunStatus.RUNNING
    brain.gate.set()
    expect(page.get_by_role("textbox", name="Reply draft")).to_have_value(re.compile("invoice", re.IGNORECASE))
    run = console.run_with(text)
    assert run.status is RunStatus.COMPLETED
    assert run.result is not None
    expect(work(page).get_by_role("link", name=run.result.citations[0].title)).to_be_visible()


def test_a_decision_in_another_session_shows_without_reload(console: Console, open_page: OpenPage) -> None:
    first = open_page(console.url)
    submit(first, f"{LOST} (one)", email="ops@granite.example")
    expect(work(first).get_by_text("Waiting for a decision")).to_be_visible()
    (approval,) = _approvals(console, "(one)")

    second = open_page(f"{console.url}/approvals?approval={approval.id}")
    second.locator(".st-key-approve button").click()

    expect(work(first).get_by_text(re.compile("^Ticket "))).to_be_visible()
    expect(first.get_by_role("textbox", name="Reply draft")).to_have_value(re.compile(r"\w"))
    run = console.run_with("(one)")
    assert run.status is RunStatus.COMPLETED
    with console.records() as services:
        assert len(services.runs.tickets(run.id)) == 1


def test_closing_the_tab_does_not_stop_the_run(console: Console, open_page: OpenPage, brain: PacedBrain) -> None:
    page = open_page(console.url)
    brain.gate.clear()
    text = "How can I export a board as CSV? It stops at some row."
    submit(page, text)
    expect(work(page).get_by_text("Searched the knowledge base for")).to_be_visible()
    page.context.close()
    assert console.run_with(text).status is RunStatus.RUNNING
    brain.gate.set()
    _wait_for(console, text, RunStatus.COMPLETED)


def test_of_two_who_decide_at_once_one_wins(console: Console, open_page: OpenPage) -> None:
    page = open_page(console.url)
    submit(page, f"{LOST} (race)", email="ops@granite.example")
    expect(work(page).get_by_text("Waiting for a decision")).to_be_visible()
    (approval,) = _approvals(console, "(race)")
    address = f"{console.url}/approvals?approval={approval.id}"
    both = [open_page(address), open_page(address)]
    for each in both:
        each.locator(".st-key-approve button").wait_for()
    # A click made inside the page returns at once, so that the second does not wait for what the first one changes.
    for each in both:
        each.evaluate("document.querySelector('.st-key-approve button').click()")
    # Who wins goes on to the next action; the other one stays and reads who was first.
    told = re.compile("already approved by|Approved by")
    deadline = time.monotonic() + 30
    while [work(each).get_by_text(told).count() > 0 for each in both].count(True) != 1 or all(
        approval.id in each.url for each in both
    ):
        assert time.monotonic() < deadline, "Nobody was told, or nobody won."
        page.wait_for_timeout(100)
    _wait_for(console, "(race)", RunStatus.COMPLETED)
    run = console.run_with("(race)")
    with console.records() as services:
        decided = [event for event in services.runs.events(run.id) if event.kind == "approval.decided"]
        assert len(decided) == 1
        assert len(services.runs.tickets(run.id)) == 1
    assert [one.status for one in _approvals(console, "(race)")] == [ApprovalStatus.APPROVED]


def test_what_a_customer_wrote_stays_text(console: Console, open_page: OpenPage) -> None:
    page = open_page(console.url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    submit(page, NASTY)
    expect(work(page).get_by_test_id("stChatMessage").first).to_contain_text(NASTY)
    _expect_text_only(page)
    run = _wait_for(console, "onerror", *FINAL_RUN_STATUSES)
    go(page, f"{console.url}/traces?trace={run.trace_id}")
    expect(work(page).get_by_role("heading", name=NASTY[:40])).to_be_visible()
    _expect_text_only(page)
    assert not [url for url in asked if FORBIDDEN in url]


def _expect_text_only(page: Page) -> None:
    """Nothing that the customer wrote has become a script, a picture, a link or a formula."""
    for made in ("script", f"img[src*='{FORBIDDEN}']", "img[src='x']", "a[href^='javascript']", ".katex"):
        expect(work(page).locator(made)).to_have_count(0)
    assert "owned" not in page.title()


def _approvals(console: Console, text: str) -> list[Approval]:
    run = console.run_with(text)
    with console.records() as services:
        return services.approvals.list_of_run(run.id)


def _wait_for(console: Console, text: str, *wanted: RunStatus) -> Run:
    deadline = time.monotonic() + 30
    while (run := console.run_with(text)).status not in wanted:
        assert time.monotonic() < deadline, f"The run is still {run.status}."
        time.sleep(0.1)
    return run
