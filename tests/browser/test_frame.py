"""What stands around every page keeps itself true while nobody touches the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.console import Console
from triage.domain import Actor, Role

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

KIM = Actor(name="Kim", role=Role.ADMIN)


def test_a_switch_is_told_on_an_open_page_and_so_is_its_end(console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{console.url}/team")
    strip = page.get_by_text("Process refund is paused")
    expect(strip).to_have_count(0)
    with console.records() as services:
        services.switches.set("tool:process_refund", actor=KIM, reason="Paid twice")
        expect(strip).to_be_visible()
        services.switches.clear("tool:process_refund", actor=KIM)
        expect(strip).to_have_count(0)


def test_the_count_moves_in_title_and_navigation_and_the_page_stays(console: Console, open_page: OpenPage) -> None:
    page = open_page(f"{console.url}/team?agent_shown=Escalation")
    page.locator("h1").evaluate("heading => heading.dataset.mark = 'same'")
    with console.records() as services:
        before = services.approvals.count_open()
        run = services.runs.submit(
            "All our data is gone, every project is empty",
            actor=Actor(name="olga"),
            customer_email="ops@granite.example",
        )
        expect(page).to_have_title(re.compile(rf"^\({before + 1}\) "))
        expect(page.get_by_test_id("stSidebarNav")).to_contain_text(f"Approvals · {before + 1}")
        services.runs.cancel(run.id, actor=KIM)
        expect(page.get_by_test_id("stSidebarNav")).not_to_contain_text(f"Approvals · {before + 1}")
    assert page.locator("h1").get_attribute("data-mark") == "same"
    assert page.url.endswith("/team?agent_shown=Escalation")
