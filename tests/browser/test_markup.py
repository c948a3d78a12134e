"""What customers, models and others wrote stays text on every page: no script, no picture, no link, no request."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.attacks.markup import HOST, beginning, short, squeezed
from tests.attacks.nasty_desk import BACKUP, EMAIL, WEBHOOK, Seeded, articles, seed
from tests.attacks.nasty_model import nasty_brain
from tests.browser.conftest import OpenPage, settle
from tests.browser.console import Console, running_console
from tests.browser.desk_page import act_as, choice, follow
from tests.servers.model_server import ModelServer
from triage.services import open_services
from triage.settings import load_settings

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LONGEST_S = 20
_WATCH = "window.owned = () => { window.wasOwned = true; }"
# Everything that the page holds as text: fields, shadow trees and what tables say to screen readers included.
_TEXT = """root => {
    root = root || document.body;
    const within = root => [...root.querySelectorAll('*')].map(element =>
        (element.shadowRoot ? element.shadowRoot.textContent + within(element.shadowRoot) : '')
        + ('value' in element ? element.value : '')).join(' ');
    return root.textContent + within(root);
}"""
_MADE = (
    f"a[href*='{HOST}'], a[href^='javascript'], a[href*='owned'], img[src*='{HOST}'], img[src='x'], [onerror], "
    "svg[onload], b#owned, .katex, iframe:not([title])"
)


@dataclass
class Watched:
    """A page, and the addresses that it asked for which are not the console's."""

    page: Page
    url: str
    foreign: list[str] = field(default_factory=list)

    def goto(self, path: str, **parameters: str) -> None:
        """Go to an address as the browser's way back does, which takes a quarter of the time of loading it."""
        address = f"/{path}?{urlencode(parameters)}"
        self.page.evaluate(
            "address => { history.pushState({}, '', address); dispatchEvent(new PopStateEvent('popstate')); }", address
        )

    def expect_text(self, what: str, *fields: str) -> None:
        """Wait until the page shows the markup of these fields as written, and find that none of it took effect."""
        unfold(self.page)
        deadline = time.monotonic() + LONGEST_S
        wanted = {name: name if "<" in name else beginning(name) for name in fields}
        while missing := [name for name in fields if wanted[name] not in squeezed(self.page.evaluate(_TEXT))]:
            assert time.monotonic() < deadline, f"{what} does not show {missing} as it was written."
            self.page.wait_for_timeout(100)
            unfold(self.page)
        self.expect_nothing_happened(what)

    def expect_in_dialog(self, button: str, text: str) -> Locator:
        """Open a dialog by its button and return it; it shows a text as it was written."""
        self.page.get_by_role("button", name=re.compile(f"^{button}")).first.click()
        dialog = self.page.get_by_test_id("stDialog")
        self.expect_shown(dialog, text)
        return dialog

    def expect_hover_text(self, place: str | Locator, text: str) -> None:
        """Hover over a place and find that a text is shown then, as it was written."""
        found = self.page.get_by_test_id("stMain").get_by_text(place).first if isinstance(place, str) else place
        found.hover()
        self.expect_shown(self.page.get_by_test_id("stTooltipContent").first, text)
        self.page.mouse.move(0, 0)

    def expect_shown(self, part: Locator, text: str) -> None:
        """Wait until a part of the page shows a text as written, and find that nothing took effect."""
        part.wait_for()
        settle(self.page)
        assert squeezed(text) in squeezed(part.evaluate(_TEXT)), f"{part} does not show {text} as it was written."
        self.expect_nothing_happened(text)

    def expect_nothing_happened(self, what: str) -> None:
        """Find no element that was made of markup, no script that ran, and no request to anywhere else."""
        made = self.page.locator(_MADE)
        assert made.count() == 0, f"{what} made {made.first.evaluate('element => element.outerHTML')[:300]}"
        assert self.page.evaluate("window.wasOwned") is None, what
        assert self.foreign == [], what


def unfold(page: Page) -> None:
    """Open everything that can be opened."""
    settle(page)
    page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach(summary => summary.click())")
    settle(page)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Console, Seeded]]:
    """A console on a desk that is full of markup."""
    folder = tmp_path_factory.mktemp("markup")
    articles(folder / "kb")
    with ModelServer(nasty_brain) as server, pytest.MonkeyPatch.context() as patch:
        connection = {"OPENAI_API_KEY": "test-key", "OPENAI_BASE_URL": server.base_url}
        connection["TRIAGE_KB_DIR"] = str(folder / "kb")
        for name, value in connection.items():
            patch.setenv(name, value)
        services = open_services(load_settings(data_dir=folder / "data"), kind="test")
        try:
            made = seed(services, folder)
        finally:
            services.close()
        with running_console(folder / "data", **connection) as console:
            yield console, made


@pytest.fixture
def watched(seeded: tuple[Console, Seeded], open_page: OpenPage) -> Watched:
    url = seeded[0].url
    page = open_page(f"{url}/team")
    page.add_init_script(_WATCH)
    own = re.compile(rf"(?:{re.escape(url)}/(?!x$)|data:|blob:)")
    found = Watched(page, url)
    page.on("request", lambda request: None if own.match(request.url) else found.foreign.append(request.url))
    return found


def test_markup_in_messages_results_and_briefs_stays_text(watched: Watched, seeded: tuple[Console, Seeded]) -> None:
    made = seeded[1]
    for word, fields in {
        "answered": ("query", "summary", "recommended_action", "edited_reply", "ticket_title", "handoff_reason"),
        "refunded": ("product", "tracking", "because", "refund_reason"),
        "tripped": ("guardrail_reason",),
    }.items():
        watched.goto("", run=made.runs[word].id)
        watched.expect_text(f"the desk ({word})", f"message-{word}", *fields)
    for word, fields in {
        "refunded": ("product", "account_name", "refund_reason", "because", "article_title"),
        "asked": ("question", "reviewer_name", "message-asked"),
    }.items():
        watched.goto("approvals", approval=made.approvals[word])
        watched.expect_text(f"the brief ({word})", *fields)
    watched.goto("approvals", lane="decided")
    watched.expect_text("what was decided", "reject_reason", "question")
    watched.goto("traces", trace=made.runs["answered"].trace_id)
    watched.expect_text("a trace", "message-answered", "ticket_title")
    watched.goto("traces", trace="trace_nasty")
    watched.expect_text("a trace of another program", "trace_name")


def test_markup_in_lists_figures_and_rules_stays_text(watched: Watched, seeded: tuple[Console, Seeded]) -> None:
    made = seeded[1]
    watched.goto("traces")
    watched.expect_text("the list of traces", "message-answered")
    watched.goto("guardrails", trip=made.trip)
    watched.expect_text("a trip", "guardrail_reason", "mark_note", "message-tripped")
    watched.goto("overview")
    for part, words in {"Cost": "span_model", "Tools and models": "span_tool"}.items():
        choice(watched.page, "Part", part).click()
        watched.expect_text(f"the overview ({part})", words)
    watched.goto("alerts", alert=made.rule)
    watched.expect_text("an alert rule", "rule_name", "rule_model")
    act_as(watched.page, "admin")
    follow(watched.page, "Policies")
    watched.expect_text("the policy", "because", "policy_note")
    for view, words in {"Text": "policy_text", "Switches": "switch_reason", "Webhooks": WEBHOOK}.items():
        choice(watched.page, "View", view).click()
        watched.expect_text(f"the policies ({view})", words)
    follow(watched.page, "Access")
    watched.expect_text("the tokens", "token")
    follow(watched.page, "Audit log")
    watched.expect_text("the audit log", "admin_name", "operator_name")


def test_markup_in_dialogs_hover_texts_and_jobs_stays_text(watched: Watched, seeded: tuple[Console, Seeded]) -> None:
    made, page = seeded[1], watched.page
    watched.goto("", run=made.runs["answered"].id)
    watched.expect_text("the desk", "message-answered")
    watched.expect_in_dialog("New", beginning("message-answered"))
    close_dialog(page)
    watched.goto("approvals", approval=made.approvals["asked"])
    watched.expect_text("the brief", "question", "message-asked")
    watched.expect_hover_text("Input check:", "guardrail_reason<img")
    act_as(page, "admin")
    follow(page, "Policies")
    choice(page, "View", "Webhooks").click()
    watched.expect_text("the webhooks", WEBHOOK)
    watched.expect_hover_text(page.get_by_test_id("stTooltipIcon").last, beginning("admin_name"))
    page.get_by_role("button", name="New secret").click()
    watched.expect_in_dialog("Make a new secret", WEBHOOK)
    close_dialog(page)
    follow(page, "Access")
    watched.expect_text("the tokens", "token")
    watched.expect_hover_text(page.get_by_test_id("stTooltipIcon").last, beginning("admin_name"))
    page.get_by_role("button", name="New token").click()
    page.get_by_role("textbox", name="Name of the program").fill(short("made")[:60])
    watched.expect_in_dialog("Make the token", beginning("made"))
    close_dialog(page)
    follow(page, "Data")
    for view, words in {"Exports": "admin_name", "Backups": squeezed(BACKUP)}.items():
        choice(page, "View", view).click()
        watched.expect_text(f"the data ({view})", words, "admin_name")
    choice(page, "View", "Erase a customer").click()
    page.get_by_role("textbox", name="The customer's e-mail address").fill(EMAIL)
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Type the address once more").wait_for()
    watched.expect_nothing_happened("what is there of a customer")


def close_dialog(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stDialog")).to_have_count(0)
