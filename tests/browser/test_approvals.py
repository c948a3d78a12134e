"""The approvals page in a real browser: two people at once, an edit that runs as it was edited, and two who agree."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, settle
from tests.browser.console import Console
from tests.browser.desk_page import work
from triage.domain import Actor, Approval, ApprovalStatus, ExecutionStatus, Mode, Role, Run, RunStatus

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OLGA = Actor(name="olga")
LOST = "All our data is gone after the update, every project is empty"


@pytest.fixture
def two_people(console: Console) -> Iterator[None]:
    """A policy in which two people have to agree to a critical ticket; afterwards the one before is in force again."""
    admin = Actor(name="ada", role=Role.ADMIN)
    with console.records() as services:
        before = services.policies.current().text
        rule, decides = "name: critical_ticket", "decide: approval"
        head, tail = before.split(rule)
        changed = head + rule + tail.replace(decides, "decide: two_people", 1)
        services.policies.save(changed, actor=admin, note="Critical tickets call people in.")
        yield
        services.policies.save(before, actor=admin)


def ask(console: Console, mark: str) -> Approval:
    """Submit a message whose ticket waits for a person, and return what waits."""
    with console.records() as services:
        run = services.runs.submit(f"{LOST} ({mark})", actor=OLGA, customer_email="ops@granite.example")
        wait_for(console, run.id, RunStatus.AWAITING_APPROVAL)
        (approval,) = services.approvals.list_of_run(run.id)
    return approval


def wait_for(console: Console, run_id: str, wanted: RunStatus) -> Run:
    deadline = time.monotonic() + 30
    with console.records() as services:
        while (run := services.runs.get(run_id)).status is not wanted:
            assert time.monotonic() < deadline, f"The run is still {run.status}."
            time.sleep(0.1)
    return run


def now(console: Console, approval: Approval) -> Approval:
    with console.records() as services:
        return services.approvals.get(approval.id)


def open_as(open_page: OpenPage, console: Console, name: str, approval: Approval) -> Page:
    """Open an action as somebody with this name."""
    page = open_page(f"{console.url}/approvals?approval={approval.id}")
    page.get_by_role("button", name=re.compile("Local mode")).click()
    field = page.get_by_label("Your name")
    field.fill(name)
    field.press("Enter")
    page.keyboard.press("Escape")
    settle(page)
    expect(work(page).locator(".st-key-decide")).to_be_visible()
    return page


def press(page: Page, key: str) -> None:
    """Press a key as somebody who is not writing."""
    page.locator("h1").first.click()
    page.keyboard.press(key)


def test_of_two_browsers_one_wins_and_the_other_reads_who_decided_and_when(
    console: Console, open_page: OpenPage
) -> None:
    approval = ask(console, "two browsers")
    both = {name: open_as(open_page, console, name, approval) for name in ("sam", "kim")}
    for page in both.values():
        page.locator(".st-key-approve button").wait_for()
    # A click made inside the page returns at once, so that the second does not wait for what the first one changes.
    for page in both.values():
        page.evaluate("document.querySelector('.st-key-approve button').click()")
    wait_for(console, approval.run_id, RunStatus.COMPLETED)
    decided = now(console, approval)
    assert decided.decided_by in both
    [loser] = [page for name, page in both.items() if name != decided.decided_by]
    expect(loser).to_have_url(re.compile(approval.id))
    said = work(loser).get_by_text(re.compile(f"approved by {decided.decided_by}", re.IGNORECASE))
    expect(said.first).to_be_visible()
    expect(loser.locator(".st-key-approve button")).to_have_count(0)
    with console.records() as services:
        assert len(services.runs.tickets(approval.run_id)) == 1


def test_what_was_edited_is_what_runs(console: Console, open_page: OpenPage) -> None:
    approval = ask(console, "edit and approve")
    page = open_as(open_page, console, "sam", approval)
    press(page, "e")
    title = work(page).get_by_label("Title")
    expect(title).to_have_value(re.compile("data is gone"))
    title.fill("")
    work(page).get_by_role("button", name=re.compile("Approve as edited")).click()
    expect(work(page).get_by_text("This cannot be empty.")).to_be_visible()
    assert now(console, approval).status.is_open

    title.fill("Projects empty after the update")
    work(page).get_by_role("radio", name="High", exact=True).click()
    work(page).get_by_role("button", name=re.compile("Approve as edited")).click()
    wait_for(console, approval.run_id, RunStatus.COMPLETED)
    decided = now(console, approval)
    assert (decided.status, decided.execution) == (ApprovalStatus.EDITED, ExecutionStatus.SUCCEEDED)
    with console.records() as services:
        (ticket,) = services.runs.tickets(approval.run_id)
    assert (ticket.title, ticket.priority) == ("Projects empty after the update", "high")

    page.goto(f"{console.url}/approvals?approval={approval.id}&lane=decided")
    expect(work(page).get_by_text("What ran")).to_be_visible()
    expect(work(page).get_by_text("Projects empty after the update").first).to_be_visible()
    expect(work(page).get_by_text(approval.arguments["title"]).first).to_be_visible()


@pytest.mark.usefixtures("two_people")
def test_two_people_have_to_agree(console: Console, open_page: OpenPage) -> None:
    approval = ask(console, "two people")
    assert approval.mode is Mode.TWO_PEOPLE
    first = open_as(open_page, console, "sam", approval)
    expect(first.locator(".st-key-approve button")).to_contain_text("1 of 2")
    press(first, "a")
    expect(first.get_by_text("Kept as the first of two")).to_be_visible()
    half = now(console, approval)
    assert (half.endorsed_by, half.status, half.execution) == (
        "sam",
        ApprovalStatus.PENDING,
        ExecutionStatus.NOT_STARTED,
    )

    again = open_as(open_page, console, "sam", approval)
    expect(work(again).get_by_text("You have agreed already")).to_be_visible()
    expect(again.locator(".st-key-approve button")).to_have_count(0)

    second = open_as(open_page, console, "kim", approval)
    expect(work(second).get_by_text("1 of 2: approved by sam").first).to_be_visible()
    press(second, "a")
    wait_for(console, approval.run_id, RunStatus.COMPLETED)
    decided = now(console, approval)
    assert (decided.endorsed_by, decided.decided_by, decided.execution) == ("sam", "kim", ExecutionStatus.SUCCEEDED)
    # Who had agreed first sees what came of it without a reload.
    expect(work(again).get_by_text(re.compile("Approved by kim"))).to_be_visible()


def test_a_claim_by_key_shows_in_another_browser_and_keeps_the_action(console: Console, open_page: OpenPage) -> None:
    approval = ask(console, "claim")
    mine = open_as(open_page, console, "sam", approval)
    other = open_as(open_page, console, "kim", approval)
    # A ticked box has the focus, and takes no letters away from the keys.
    row = work(mine).locator(f".st-key-pick_{approval.id} label")
    row.click()
    expect(work(mine).get_by_role("button", name=re.compile("1 chosen"))).to_be_visible()
    mine.keyboard.press("l")
    expect(work(mine).get_by_text(re.compile("yours for")).first).to_be_visible()
    expect(work(other).get_by_text("sam is on it until")).to_be_visible()
    expect(other.locator(".st-key-approve button")).to_have_count(0)
    # A letter that follows another one at once is taken for part of a word.
    mine.wait_for_timeout(700)
    press(mine, "l")
    expect(other.locator(".st-key-approve button")).to_be_visible()
    press(other, "x")
    dialog = other.get_by_role("dialog")
    dialog.get_by_role("radio", name="Not needed").click()
    dialog.get_by_role("button", name=re.compile("^Reject|Reject$|Reject")).last.click()
    expect(dialog.get_by_text(re.compile("Give a reason"))).to_be_visible()
    dialog.get_by_role("textbox", name="Reason").fill("A known outage")
    dialog.get_by_role("button", name=re.compile("Reject")).last.click()
    expect(dialog).to_be_hidden()
    decided = now(console, approval)
    assert (decided.status, decided.reason_code, decided.decided_by) == (ApprovalStatus.REJECTED, "not_needed", "kim")
