"""The desk, through its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components.inbox import inbox, row_labels
from pages.components.text import plain
from tests.pages.desk_page import (
    DATA_LOSS,
    INJECTION,
    INVOICES,
    OpenPage,
    Settle,
    labels,
    reply_field,
    rows_of,
    submit,
    texts,
)
from triage.domain import Actor, Category, Role, RunStatus
from triage.services import Services


def test_an_empty_desk_says_what_to_do_and_a_new_message_opens_its_run(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    page = open_page("desk")
    assert not page.exception
    assert "Nothing here yet" in texts(page)
    page.button(key="desk_new").click().run()
    opened = page.session_state["desk_form"]
    page.text_area(key=f"new_text_{opened}").set_value(INVOICES)
    page.text_input(key=f"new_email_{opened}").set_value("nobody")
    page.form_submit_button[0].click().run()
    assert "e-mail address is not one" in page.error[0].value.replace("\\", "")
    assert page.text_area(key=f"new_text_{opened}").value == INVOICES
    assert running.runs.counts()["all"] == 0

    page.text_input(key=f"new_email_{opened}").set_value("dana@northwind.example")
    page.form_submit_button[0].click().run()
    (run,) = running.runs.list()
    assert page.query_params["run"] == run.id
    assert run.customer_email == "dana@northwind.example"
    settle(run)


def new_message(page: AppTest, text: str, **fields: Any) -> str:
    """Fill in and submit the form of a new message; return the id of the opened form."""
    page.button(key="desk_new").click().run()
    opened = str(page.session_state["desk_form"])
    page.text_area(key=f"new_text_{opened}").set_value(text)
    for name, value in fields.items():
        field = page.checkbox if name == "goes_on" else page.text_input
        field(key=f"new_{name}_{opened}").set_value(value)
    page.form_submit_button[0].click().run()
    return opened


@pytest.mark.parametrize("begin", ["conv_", ""])
def test_a_message_continues_any_conversation_by_its_id(
    running: Services, open_page: OpenPage, settle: Settle, begin: str
) -> None:
    first = settle(submit(running, INVOICES, customer_email="dana@northwind.example"))
    other = settle(submit(running, INJECTION))
    page = open_page("desk", run=other.id)
    written = begin + first.conversation_id.removeprefix("conv_")
    new_message(page, "Is there any news?", conversation=written)
    second = running.runs.get(page.query_params["run"])
    assert second.message == "Is there any news?"
    assert (second.conversation_id, second.customer_email) == (first.conversation_id, "dana@northwind.example")
    settle(second)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"conversation": "conv_none"}, "There is no conversation conv_none."),
        ({"conversation": "not an id"}, "The conversation id may hold"),
        ({"email": "lee@harbor.example"}, "belongs to another customer, dana@northwind.example."),
        ({"goes_on": True}, "Choose one: the open conversation"),
    ],
)
def test_a_conversation_that_cannot_be_continued_says_why_and_keeps_the_text(
    running: Services, open_page: OpenPage, settle: Settle, fields: dict[str, Any], sentence: str
) -> None:
    first = settle(submit(running, INVOICES, customer_email="dana@northwind.example"))
    other = settle(submit(running, INJECTION))
    page = open_page("desk", run=other.id)
    opened = new_message(page, "Is there any news?", **{"conversation": first.conversation_id, **fields})
    assert plain(sentence) in page.error[0].value
    assert page.text_area(key=f"new_text_{opened}").value == "Is there any news?"
    assert running.runs.counts()["all"] == 2


def test_a_finished_run_shows_story_result_and_reply(running: Services, open_page: OpenPage, settle: Settle) -> None:
    run = settle(submit(running, INVOICES))
    page = open_page("desk", run=run.id)
    assert not page.exception
    assert any("Searched the knowledge base" in label for label in labels(page))
    assert any("Handed over to **Billing specialist**" in label for label in labels(page))
    assert reply_field(page, run).value == run.reply
    assert "(<https://help.fennel.example/invoices-not-generating>)" in texts(page)
    assert page.selectbox(key=f"category_{run.id}").value is Category.BILLING

    page.selectbox(key=f"category_{run.id}").select(Category.ACCOUNT).run()
    assert running.runs.get(run.id).category is Category.ACCOUNT
    assert "was billing" in texts(page)


def test_what_waits_is_decided_here_and_the_page_goes_on(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run = settle(submit(running, DATA_LOSS))
    (approval,) = running.approvals.list_of_run(run.id)
    page = open_page("desk", run=run.id)
    assert any("needs approval" in label for label in labels(page))
    page.button(key=f"reject_{approval.id}").click().run()
    assert "reason" in page.error[0].value
    assert running.approvals.get(approval.id).status.is_open

    page.button(key=f"approve_{approval.id}").click().run()
    settle(run)
    page.run()
    assert [ticket.call_id for ticket in running.runs.tickets(run.id)] == [approval.call_id]
    assert any("approved it" in label for label in labels(page))
    assert any("Created a ticket" in label for label in labels(page))


def test_an_operator_sees_why_the_decision_is_not_theirs(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run = settle(submit(running, DATA_LOSS))
    (approval,) = running.approvals.list_of_run(run.id)
    page = open_page("desk", role=Role.OPERATOR, run=run.id)
    assert page.button(key=f"approve_{approval.id}").disabled
    assert "A reviewer decides this; you are acting as operator." in texts(page)


def test_taking_over_asks_first_and_leaves_what_was_found(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run = settle(submit(running, DATA_LOSS))
    page = open_page("desk", run=run.id)
    page.button(key="desk_take_over").click().run()
    assert running.runs.get(run.id).status is RunStatus.AWAITING_APPROVAL
    page.button(key=f"go_{page.session_state['desk_form']}").click().run()
    assert running.runs.get(run.id).assigned_to == "local user"
    assert "took over" in texts(page)
    assert any("not decided" in label for label in labels(page))
    assert reply_field(page, run)


def test_an_escalation_needs_its_reason_and_puts_the_run_among_what_needs_a_person(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run = settle(submit(running, INJECTION))
    assert running.runs.counts()["needs_person"] == 0
    page = open_page("desk", run=run.id)
    page.session_state["desk_dialog"] = "escalate"
    page.run()
    opened = page.session_state["desk_form"]
    page.button(key=f"go_{opened}").click().run()
    assert page.error[0].value.startswith("Give a reason")
    page.text_area(key=f"escalate_{opened}").set_value("Their **lawyer** called.")
    page.button(key=f"go_{opened}").click().run()
    assert "Escalated to a person" in texts(page)
    assert plain("Their **lawyer** called.") in texts(page)
    page.query_params["show"] = "needs"
    page.run()
    assert rows_of(page).value == run.id
    assert "Needs you" in rows_of(page).proto.captions[0]


def test_a_search_slows_the_inbox_down_and_its_end_brings_the_pace_back(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    paces: list[float] = []
    fragment = st.fragment

    def watched(drawn: Callable[..., None], *, run_every: float | None) -> Callable[..., None]:
        if drawn is inbox:
            paces.append(run_every or 0.0)
        return fragment(drawn, run_every=run_every)

    monkeypatch.setattr(st, "fragment", watched)
    page = open_page("desk")
    for text, pace in (("northwind", 5), (" ", 2), ("", 2)):
        page.text_input(key="q").set_value(text).run()
        assert not page.exception
        assert paces.pop() == pace


def test_a_released_run_and_the_blocked_one_lead_to_each_other(
    running: Services, open_page: OpenPage, settle: Settle, reviewer: Actor
) -> None:
    blocked = settle(submit(running, INJECTION))
    released = settle(running.releases.release(blocked.id, reason="Our own test", actor=reviewer))
    page = open_page("desk", run=blocked.id)
    assert "released this message, and it runs again" in texts(page)
    page.button(key="desk_other_run").click().run()
    assert page.query_params["run"] == released.id
    assert "This message was blocked, and" in texts(page)
    page.button(key="desk_other_run").click().run()
    assert page.query_params["run"] == blocked.id
    assert not page.exception


def test_a_blocked_run_says_why_and_proposes_the_sentence_for_the_customer(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    run = settle(submit(running, INJECTION))
    page = open_page("desk", run=run.id)
    assert "Blocked: injection attempt" in texts(page)
    assert run.trip is not None
    assert reply_field(page, run).value == run.trip.customer_message


def test_the_inbox_filters_searches_and_keeps_what_is_open(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    blocked = settle(submit(running, INJECTION))
    done = settle(submit(running, INVOICES, customer_email="dana@northwind.example"))
    page = open_page("desk", run=blocked.id)
    rows = rows_of(page)
    assert len(rows.options) == 2
    assert rows.value == blocked.id

    page.text_input(key="q").set_value("NORTHWIND").run()
    assert rows_of(page).options == [row_labels([done])[done.id]]
    assert page.query_params["run"] == blocked.id
    assert "Blocked: injection attempt" in texts(page)

    page.text_input(key="q").set_value("no such words").run()
    assert "Nothing found." in texts(page)
    none_failed = texts(open_page("desk", q="northwind", show="failed"))
    assert "Choose another status above, or change the search or the filters." in none_failed


def test_a_link_to_a_run_that_does_not_exist_says_so(open_page: OpenPage) -> None:
    page = open_page("desk", run="run_none")
    assert not page.exception
    assert "Choose a message on the left" in page.warning[0].value


def test_a_file_is_imported_with_its_wrong_lines_reported(
    running: Services, open_page: OpenPage, settle: Settle
) -> None:
    page = open_page("desk")
    page.button(key="desk_new").click().run()
    page.button(key=f"new_import_{page.session_state['desk_form']}").click().run()
    content = b"message,account\nHow do I add a seat?,\n,A-1042\nHello,A-none\n"
    page.file_uploader[0].upload("mails.csv", content).run()
    assert "**1 line** cannot" in texts(page)
    page.button(key=f"import_go_{page.session_state['desk_form']}").click().run()
    assert not page.exception
    assert "1 message imported; 2 lines could not be used." in texts(page)
    assert list(page.dataframe[0].value["Line"]) == [3, 4]
    (run,) = running.runs.list()
    settle(run)
