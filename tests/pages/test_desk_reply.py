"""The reply on the desk: kept, sent, and written by two at once."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.run_view import RunView
from tests.pages.desk_page import (
    DANA,
    INJECTION,
    INVOICES,
    OpenPage,
    Settle,
    reply_field,
    rows_of,
    submit,
    texts,
)
from tests.pages.test_words import NOW, make_run
from triage.domain import Conversation, Run, RunStatus, Trip
from triage.services import Services


def test_the_reply_is_kept_then_sent_and_cannot_change_any_more(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run = settle(submit(running, INVOICES))
    page = open_page("desk", run=run.id)
    reply_field(page, run).set_value("Our own words.")
    page.button(key=f"save_{run.id}").click().run()
    assert running.runs.get(run.id).reply == "Our own words."
    assert running.runs.get(run.id).reply_sent_at is None

    reply_field(page, run).set_value("Our last words.")
    page.button(key=f"sent_{run.id}").click().run()
    assert running.runs.get(run.id).reply == "Our last words."
    assert "Our last words." in texts(page)
    assert "Sent by" in texts(page)
    assert not [area for area in page.text_area if str(area.key).startswith("reply_")]


def test_an_empty_reply_is_refused_with_a_sentence(running: Services, open_page: OpenPage, settle: Settle) -> None:
    run = settle(submit(running, INVOICES))
    page = open_page("desk", run=run.id)
    reply_field(page, run).set_value("  ")
    page.button(key=f"sent_{run.id}").click().run()
    assert "empty" in page.error[0].value
    assert running.runs.get(run.id).reply_sent_at is None


def two_write(running: Services, open_page: OpenPage, settle: Settle, *, text: str = INVOICES) -> tuple[Run, AppTest]:
    """Return a run and the page of a person who has begun to write when somebody else keeps another reply."""
    run = settle(submit(running, text))
    page = open_page("desk", run=run.id)
    reply_field(page, run).set_value("My words.")
    running.runs.edit_reply(run.id, text="**Her** words.", actor=DANA)
    return run, page


@pytest.mark.parametrize("text", [INVOICES, INJECTION])
@pytest.mark.parametrize("button", ["save", "sent"])
def test_of_two_who_write_the_second_sees_both_versions_before_anything_is_replaced(
    running: Services, open_page: OpenPage, settle: Settle, text: str, button: str
) -> None:
    run, page = two_write(running, open_page, settle, text=text)
    page.button(key=f"{button}_{run.id}").click().run()
    now = running.runs.get(run.id)
    assert (now.reply, now.reply_sent_at) == ("**Her** words.", None)
    assert "dana changed this reply meanwhile" in texts(page)
    assert "**Her** words." in [text.value for text in page.text]
    assert reply_field(page, run).value == "My words."
    assert page.button(key=f"{button}_{run.id}").disabled

    page.button(key=f"keep_own_{run.id}").click().run()
    assert reply_field(page, run).value == "My words."
    page.button(key=f"{button}_{run.id}").click().run()
    assert running.runs.get(run.id).reply == "My words."


def test_a_change_while_the_page_writes_is_told_and_shown(
    running: Services, open_page: OpenPage, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = settle(submit(running, INVOICES))
    page = open_page("desk", run=run.id)
    write = running.runs.edit_reply

    def write_second(run_id: str, **given: Any) -> Run:
        write(run_id, text="Her words.", actor=DANA)
        return write(run_id, **given)

    monkeypatch.setattr(running.runs, "edit_reply", write_second)
    reply_field(page, run).set_value("My words.")
    page.button(key=f"save_{run.id}").click().run()
    assert "dana changed the reply meanwhile" in page.error[0].value
    assert "Her words." in [text.value for text in page.text]
    assert reply_field(page, run).value == "My words."


def test_the_other_version_can_be_taken(running: Services, open_page: OpenPage, settle: Settle) -> None:
    run, page = two_write(running, open_page, settle)
    page.run()
    page.button(key=f"take_other_{run.id}").click().run()
    assert reply_field(page, run).value == "**Her** words."
    assert "meanwhile" not in texts(page)
    page.button(key=f"sent_{run.id}").click().run()
    assert running.runs.get(run.id).reply == "**Her** words."


def test_whoever_has_written_nothing_sees_the_newest_reply(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run = settle(submit(running, INVOICES))
    page = open_page("desk", run=run.id)
    for reply in ("First.", "Second."):
        running.runs.edit_reply(run.id, text=reply, actor=DANA)
        page.run()
        assert reply_field(page, run).value == reply
    assert not page.warning


def test_a_text_that_came_after_the_reply_was_sent_is_not_lost(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run, page = two_write(running, open_page, settle)
    running.runs.mark_sent(run.id, actor=DANA)
    page.button(key=f"sent_{run.id}").click().run()
    page.run()
    assert running.runs.get(run.id).reply == "**Her** words."
    assert "What you had written was not sent:" in texts(page)
    assert "My words." in [code.value for code in page.code]


def test_an_escalation_after_the_reply_asks_for_another_one(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run = settle(submit(running, INVOICES))
    running.runs.mark_sent(run.id, text="Our words.", actor=DANA)
    running.runs.escalate(run.id, reason="Their lawyer called.", actor=DANA)
    page = open_page("desk", run=run.id, show="needs")
    assert "Needs you" in rows_of(page).proto.captions[0]
    (field,) = [area for area in page.text_area if area.label == "Another reply"]
    field.set_value("More of our words.").run()
    (button,) = [button for button in page.button if button.label == "Mark as sent"]
    button.click().run()
    assert not page.exception
    assert running.runs.get(run.id).reply == "More of our words."
    shown = [text.value for text in page.text]
    assert shown.index("Our words.") < shown.index("More of our words.")
    assert not [area for area in page.text_area if area.label == "Another reply"]
    assert "Nothing in this view." in texts(page)


def test_the_reply_that_stands_is_the_persons_then_the_agents_then_the_sentence_of_the_guardrail() -> None:
    def reply_of(run: Run, streamed: str = "") -> str:
        conversation = Conversation(
            id="conv_1", customer_email=None, account_id=None, subject="", created_at=NOW, updated_at=NOW
        )
        return RunView(run, conversation, [], [], [], streamed, [], [], [], []).reply

    trip = Trip(guardrail="g", stage="input", verdict="off_topic", reason="r", customer_message="We help with Fennel.")
    assert reply_of(make_run(RunStatus.BLOCKED, trip=trip)) == "We help with Fennel."
    assert reply_of(make_run(reply="Edited", trip=trip)) == "Edited"
    assert reply_of(make_run(RunStatus.CANCELLED), streamed="Half a") == "Half a"
