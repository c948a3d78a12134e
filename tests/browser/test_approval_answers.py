"""The approvals page in a real browser: an agent's question is answered, and several actions are rejected at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, PacedBrain, settle
from tests.browser.console import Console
from tests.browser.desk_page import work
from tests.browser.test_approvals import OLGA, ask, now, open_as, press, wait_for
from tests.servers.model_brain import offline_brain
from tests.servers.model_script import ModelRequest, Reply, ToolCall
from triage.domain import ApprovalStatus, ExecutionStatus, RejectCode, RunStatus, TriageResult

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

QUESTION = "Does the Team plan include a second workspace?"
ANSWER = "Yes, up to three workspaces since May."


def asking(request: ModelRequest) -> Reply:
    """Ask a colleague first, and reply with what the colleague said."""
    if "ask_teammate" not in request.tools:
        return offline_brain(request)
    told = [item["output"] for item in request.items if item.get("type") == "function_call_output"]
    if not told:
        return Reply(calls=(ToolCall("ask_teammate", {"question": QUESTION}),))
    result = TriageResult(
        category="billing", urgency="low", summary="A question about workspaces.", recommended_action="Send the reply.",
        requires_human=False, reply_draft=json.loads(told[-1])["answer"], citations=[], confidence=0.9,
    )  # fmt: skip
    return Reply(text=result.model_dump_json())


@pytest.fixture
def curious(brain: PacedBrain) -> Iterator[None]:
    """Let the agents ask; afterwards they answer by themselves again."""
    brain.answer = asking
    yield
    brain.answer = offline_brain


@pytest.mark.usefixtures("curious")
def test_the_run_goes_on_with_the_answer_to_an_agents_question(console: Console, open_page: OpenPage) -> None:
    with console.records() as services:
        run = services.runs.submit("Can we have a second workspace with our plan?", actor=OLGA)
        wait_for(console, run.id, RunStatus.AWAITING_APPROVAL)
        (question,) = services.approvals.list_of_run(run.id)
    page = open_as(open_page, console, "sam", question)
    expect(work(page).get_by_role("heading", name=QUESTION)).to_be_visible()
    press(page, "a")
    field = work(page).get_by_role("textbox", name="Your answer")
    send = work(page).get_by_role("button", name=re.compile("Send the answer"))
    send.click()
    expect(work(page).get_by_text("The answer is empty")).to_be_visible()
    assert now(console, question).status.is_open
    settle(page)
    field.fill(ANSWER)
    send.click()
    run = wait_for(console, run.id, RunStatus.COMPLETED)
    assert run.reply == ANSWER
    answered = now(console, question)
    assert (answered.status, answered.execution, answered.decided_by) == (
        ApprovalStatus.APPROVED, ExecutionStatus.SUCCEEDED, "sam",
    )  # fmt: skip

    page.goto(f"{console.url}/?run={run.id}")
    expect(work(page).get_by_label(re.compile("Reply", re.IGNORECASE)).first).to_have_value(ANSWER)


def test_several_are_rejected_with_one_reason_and_each_run_ends_without_its_ticket(
    console: Console, open_page: OpenPage
) -> None:
    waiting = [ask(console, f"several {number}") for number in range(3)]
    page = open_as(open_page, console, "kim", waiting[0])
    for number, approval in enumerate(waiting, 1):
        work(page).locator(f".st-key-pick_{approval.id} label").click()
        expect(work(page).get_by_text(f"{number} chosen").first).to_be_visible()
        settle(page)
    work(page).locator(".st-key-reject_several button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("the agents go on without them")).to_be_visible()
    dialog.get_by_role("radio", name="Not needed").click()
    settle(page)
    dialog.get_by_role("textbox", name="Reason").fill("The outage is known.")
    dialog.get_by_role("button", name="Reject 3").click()
    expect(dialog.get_by_text("3 done")).to_be_visible()
    dialog.locator(".st-key-several_close button").click()
    expect(dialog).to_be_hidden()
    for approval in waiting:
        run = wait_for(console, approval.run_id, RunStatus.COMPLETED)
        decided = now(console, approval)
        assert (decided.status, decided.reason_code, decided.reason, decided.decided_by) == (
            ApprovalStatus.REJECTED, RejectCode.NOT_NEEDED, "The outage is known.", "kim",
        )  # fmt: skip
        with console.records() as services:
            assert services.runs.tickets(run.id) == []
        expect(page.locator(f".st-key-row_{approval.id}")).to_have_count(0)
