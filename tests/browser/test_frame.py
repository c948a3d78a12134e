"""What stands around every page keeps itself true while nobody touches the page."""

from __future__ import annotations

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
