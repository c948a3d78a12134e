"""The desk in a real browser: live events, decisions from another session, closed tabs, text that stays text."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, PacedBrain, go
from tests.browser.console import Console
from tests.browser.desk_page import submit, work
from triage.domain import FINAL_RUN_STATUSES, Actor, Approval, ApprovalStatus, Run, RunFilter, RunStatus
from triage.errors import TriageError

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FORBIDDEN = "127.0.0.1:9/"
NASTY = (
    "My export fails <script>document.title='owned'</script> <img src=x onerror=\"document.title='owned'\"> "
    f"![picture](http://{FORBIDDEN}x.png) [link](javascript:alert(1)) $E=mc^2$ :red[red] :material/home: **bold**"
)
WATCH_PROGRESS = """() => {
    window.seenProgress = [];
    new MutationObserver(() => {
        const bar = document.querySelector('[role=dialog] [data-testid=stProgress]');
        if (!bar) return;
        window.seenProgress.push(bar.innerText.trim());
        const labels = [...document.querySelectorAll('[role=dialog] button')].map(button => button.innerText);
        window.seenButtonBeside ||= labels.some(label => label.includes('Import'));
    }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
OLGA = Actor(name="olga")
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
    page.close()
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


def test_a_file_of_300_lines_shows_its_progress_and_its_wrong_lines(
    console: Console, open_page: OpenPage, tmp_path: Path
) -> None:
    lines = [f"How do I add seat number {number}?,dana@northwind.example,," for number in range(300)]
    for number, wrong in ((9, ",dana@northwind.example,,"), (99, "Hello,no address,,"), (199, "Hello,,A-none,")):
        lines[number] = wrong
    file = tmp_path / "mails.csv"
    file.write_text("\n".join(["message,email,account,conversation", *lines]))
    page = open_page(console.url)
    page.get_by_role("button", name=re.compile("^New")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("Import a file")).click()
    dialog.locator("input[type=file]").set_input_files(file)
    expect(dialog.get_by_text("2 lines cannot")).to_be_visible()
    page.evaluate(WATCH_PROGRESS)
    dialog.get_by_role("button", name="Import 298 messages").click()
    expect(dialog.get_by_text("297 messages imported; 3 lines could not be used.")).to_be_visible()
    seen = page.evaluate("window.seenProgress")
    assert any(re.fullmatch(r"\d+ of 298 messages", text) for text in seen)
    # Beside the progress nothing invites to begin once more.
    assert not page.evaluate("window.seenButtonBeside")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download the wrong lines").click()
    assert download.value.path().read_text().splitlines()[1:] == [lines[9], lines[99], lines[199]]
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("radio", name="How do I add seat number 299?")).to_be_visible()
    # The tests share the console, and the next ones would wait behind all of these.
    with console.records() as services:
        for run in services.runs.list(RunFilter(text="add seat number"), limit=300):
            if not run.status.is_final:
                with contextlib.suppress(TriageError):
                    services.runs.cancel(run.id, actor=OLGA)


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
