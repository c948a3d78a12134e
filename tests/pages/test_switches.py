"""The strip on every page, and the panels for switches and webhooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.badge import browser_title, titled
from pages.components.banner import switch_lines
from pages.components.context import NAME_KEY, ROLE_KEY
from pages.components.switch_panel import choice_words, consequence, switch_choices
from pages.components.webhook_row import delivery_line
from triage.domain import Actor, Delivery, DeliveryStatus, NoticeTopic, Role, Switch
from triage.notices import notify
from triage.services import Services

KIM = Actor(name="Kim", role=Role.ADMIN)
NOW = datetime(2026, 11, 21, 10, 5, tzinfo=UTC)
URL = "https://hooks.example.com/services/very-secret"
Open = Callable[[Role], AppTest]


def _panels() -> None:
    from pages.components.banner import banner
    from pages.components.switch_panel import switch_panel
    from pages.components.webhook_panel import webhook_panel

    banner()
    switch_panel()
    webhook_panel()


@pytest.fixture(autouse=True)
def _nothing_is_sent(request: pytest.FixtureRequest) -> None:
    """The addresses here lead nowhere, and nobody should ask where."""
    if "running" in request.fixturenames:
        running: Services = request.getfixturevalue("running")
        assert running.notices is not None
        running.notices.close()


@pytest.fixture
def open_panels(running: Services) -> Open:
    def open_(role: Role) -> AppTest:
        page = AppTest.from_function(_panels, default_timeout=30)
        page.session_state[ROLE_KEY] = role
        page.session_state[NAME_KEY] = "Kim"
        return page.run()

    return open_


def written(page: AppTest) -> str:
    assert not page.exception
    return " ".join(part.value for part in [*page.markdown, *page.caption, *page.warning, *page.error, *page.success])


def test_nothing_is_said_while_nothing_is_paused(open_panels: Open) -> None:
    page = open_panels(Role.OPERATOR)
    assert not page.warning
    assert "Nothing is paused" in written(page)


def test_everybody_reads_what_is_paused_and_only_administrators_change_it(running: Services, open_panels: Open) -> None:
    running.switches.set("tool:process_refund", actor=KIM, reason="Paid twice")
    page = open_panels(Role.MANAGER)
    assert "**Process refund is paused** by Kim since" in page.warning[0].value
    assert "Paid twice" in page.warning[0].value
    assert page.button("switch_set").disabled
    assert page.button("webhook_add").disabled
    assert "Only an administrator sees and changes webhooks" in written(page)


def test_an_administrator_pauses_with_a_reason_and_clears(running: Services, open_panels: Open) -> None:
    page = open_panels(Role.ADMIN)
    page.button("switch_set").click().run()
    assert page.button("switch_confirm").disabled
    page.selectbox("switch_what").select("tool:process_refund").run()
    page.button("switch_confirm").click().run()
    assert "Give a reason" in written(page)
    assert running.switches.current().switches == ()
    page.text_area("switch_why").input("Paid twice").run()
    page.button("switch_confirm").click().run()
    (switch,) = running.switches.current().switches
    assert (switch.name, switch.reason, switch.set_by) == ("tool:process_refund", "Paid twice", "Kim")
    page = open_panels(Role.ADMIN)
    page.button("clear_now_tool:process_refund").click().run()
    assert running.switches.current().switches == ()
    assert not page.exception


def test_a_switch_of_the_team_holds_its_own_agents_only(running: Services) -> None:
    assert running.team is not None
    choices = switch_choices(running.team.describe(), but=["writes"])
    assert choices[0] == "everything_needs_approval"
    reading, writing = "tool:search_knowledge_base", "tool:process_refund"
    assert {reading, writing, "agent:Billing specialist"} <= set(choices)
    assert "a person will do it" in consequence(writing)
    assert "go on without it" in consequence(reading)
    assert switch_choices(None) == ["writes", "everything_needs_approval"]
    assert all(choice_words(name) and consequence(name) for name in choices)


def test_a_new_webhook_shows_its_secret_until_it_is_copied(running: Services, open_panels: Open) -> None:
    page = open_panels(Role.ADMIN)
    page.button("webhook_add").click().run()
    page.text_input("webhook_url").input("http://hooks.example.com").run()
    page.button("webhook_add_now").click().run()
    assert "must begin with https" in written(page)
    assert page.text_input("webhook_url").value == "http://hooks.example.com"
    page.text_input("webhook_url").input(URL).run()
    page.button("webhook_add_now").click().run()
    assert page.code[0].value.startswith("whsec_")
    page.button("webhook_done").click().run()
    page = page.run()
    assert not page.code
    shown = written(page)
    assert "**hooks\\.example\\.com**" in shown
    assert "very-secret" not in shown
    assert len(running.webhooks.list(actor=KIM)) == 1


def test_a_renewed_secret_is_shown_until_it_is_copied(running: Services, open_panels: Open) -> None:
    hook = running.webhooks.add(URL, actor=KIM)
    page = open_panels(Role.ADMIN)
    page.button(f"renew_now_{hook.webhook.id}").click().run()
    page = page.run()
    assert page.code[0].value.startswith("whsec_")
    assert page.code[0].value != hook.secret
    assert "until then notices carry both signatures" in written(page)
    page.button("webhook_done").click().run()
    page = page.run()
    assert not page.code
    assert "The one before still signs until" in written(page)


def test_what_did_not_arrive_is_shown_and_sent_again(running: Services, open_panels: Open) -> None:
    hook = running.webhooks.add(URL, actor=KIM).webhook
    with running.records.begin() as tx:
        notify(tx, "approval.new", {"id": "apr_1"}, now=NOW + timedelta(days=999_999))
        (kept,) = tx.deliveries.list(hook.id)
        tx.deliveries.update(kept.id, status=DeliveryStatus.DEAD, attempts=10, last_error="It answered 500.")
    page = open_panels(Role.ADMIN)
    assert "1 notice did not arrive" in written(page)
    assert "after 10 tries: It answered 500" in written(page).replace("\\", "")
    running.webhooks.switch(hook.id, active=False, actor=KIM)
    page = open_panels(Role.ADMIN)
    assert f"Send again_{kept.id}" not in {button.key for button in page.button}
    running.webhooks.switch(hook.id, active=True, actor=KIM)
    page = open_panels(Role.ADMIN)
    page.button(f"Send again_{kept.id}").click().run()
    with running.records.read() as tx:
        entries = [entry.action for entry in tx.audit.list()]
    assert entries[-1] == "webhook.sent_again"


def test_a_webhook_is_deleted(running: Services, open_panels: Open) -> None:
    hook = running.webhooks.add(URL, actor=KIM).webhook
    open_panels(Role.ADMIN).button(f"Delete it_{hook.id}").click().run()
    assert running.webhooks.list(actor=KIM) == []


def test_what_people_wrote_is_shown_as_they_wrote_it() -> None:
    at = NOW - timedelta(days=1, minutes=3)
    nasty = Switch(name="agent:Orders specialist", reason="[x](http://evil) *b*", set_by=":red[Kim]", set_at=at)
    lines = switch_lines([nasty, nasty.model_copy(update={"name": "writes", "set_at": NOW})], now=NOW)
    first, second = lines.split("  \n")
    assert first.startswith(
        "**Orders specialist is paused** by \\:red\\[Kim\\] since 20 Nov 10:02 UTC (1 d ago): \\[x\\]"
    )
    assert second.startswith("**Every write is paused** by \\:red\\[Kim\\] since 10:05 UTC (just now): ")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "on the way"),
        ({"attempts": 2, "last_error": "No answer"}, "tried again at 10:05:00 UTC] after 2 tries: No answer"),
        ({"status": "delivered", "attempts": 1}, "delivered"),
        ({"status": "dead", "attempts": 1, "last_error": "x"}, "given up] after 1 try: x"),
    ],
)
def test_a_notice_in_words(fields: dict[str, object], words: str) -> None:
    usual = {"id": "d", "webhook_id": "h", "topic": NoticeTopic.APPROVAL_NEW, "body": "", "next_at": NOW}
    line = delivery_line(Delivery(**{**usual, "created_at": NOW, **fields}))
    assert line.startswith("An action waits · ")
    assert words in line


def test_the_number_that_waits_in_titles() -> None:
    assert (titled("Approvals", 0), titled("Approvals", 1204)) == ("Approvals", "Approvals · 1,204")
    assert (browser_title(0), browser_title(3)) == ("Triage console", "(3) Triage console")
