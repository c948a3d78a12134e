"""Signing in with an account of a real OIDC provider, and losing access again."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from tests.browser.conftest import LONGEST_WAIT_MS, keep_pictures, settle
from tests.browser.console import Console, free_port, running_console
from tests.processes import RunningModule

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

COOKIE = "_streamlit_user"
SECRET = "qJ8Fz1nT0vKc5WmR2yXb7LdP4hGs9AeU3oNi6Qt"
PEOPLE = '[people]\n"rita@example.com" = "reviewer"\n"lee@example.com" = "operator"\n'


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider that knows rita, lee and nora."""
    port = free_port()
    process = RunningModule("tests.servers.oidc_provider", str(port), environment=dict(os.environ))
    try:
        process.wait_for_output("ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.close()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people") / "people.toml"


@pytest.fixture(scope="module")
def console(provider: str, people: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with sign-in."""
    folder = tmp_path_factory.mktemp("sign_in")
    people.write_text(PEOPLE)
    secrets = folder / "secrets.toml"
    secrets.write_text(
        f"""[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{SECRET}"
client_id = "console"
client_secret = "4f1d0c"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""
    )
    with running_console(folder / "data", TRIAGE_PEOPLE=str(people), STREAMLIT_SECRETS_FILES=str(secrets)) as started:
        yield started


@pytest.fixture
def person(
    browser: BrowserContext, console: Console, people: Path, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """The browser of somebody who is not signed in; what the page was refused by its own rules fails the test."""
    people.write_text(PEOPLE)
    assert browser.browser is not None
    context = browser.browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(LONGEST_WAIT_MS)
    refused: list[str] = []
    context.on("console", lambda said: refused.append(said.text) if "Content Security" in said.text else None)
    yield context
    keep_pictures(context.pages, of=request.node)
    context.close()
    assert refused == []


def open_(person: BrowserContext, url: str) -> Page:
    page = person.new_page()
    page.goto(url)
    return page


def sign_in(page: Page, name: str) -> None:
    button = page.get_by_role("button", name="Sign in", exact=True)
    button.wait_for()
    settle(page)
    button.click()
    page.get_by_role("button", name=name, exact=True).click()


def entries(console: Console) -> list[tuple[str, Any]]:
    with console.records() as services, services.records.read() as tx:
        found = tx.audit.list()
    return [(entry.action, entry.after["person"]) for entry in found if entry.action.startswith("sign_in.")]


def test_a_reviewer_signs_in_sees_what_the_role_may_and_signs_out_of_every_tab(
    console: Console, person: BrowserContext
) -> None:
    page = open_(person, f"{console.url}/approvals?note=1")
    expect(page.get_by_role("heading", name="Triage console")).to_be_visible()
    sign_in(page, "rita")
    expect(page.get_by_role("heading", name="Approvals", exact=True)).to_be_visible()
    assert page.url == f"{console.url}/approvals?note=1"
    settle(page)
    navigation = page.get_by_test_id("stSidebarNav")
    expect(navigation).to_contain_text("Policies")
    for hidden in ("Overview", "Audit log", "Access"):
        expect(navigation).not_to_contain_text(hidden)
    other = open_(person, f"{console.url}/overview")
    expect(other.get_by_text("you need the role manager")).to_be_visible()
    expect(other.get_by_role("button", name="Rita Moreno")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Rita Moreno").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    # The other tab looks by itself every few seconds, and is told.
    expect(other.get_by_text("Your sign-in is over")).to_be_visible()
    expect(other.get_by_test_id("stSidebarNav")).to_have_count(0)
    mine = [action for action, who in entries(console) if who == "rita@example.com"]
    assert mine == ["sign_in.begun", "sign_in.ended"]


def test_without_a_role_there_is_a_sentence_and_who_loses_it_is_out_at_the_next_click(
    console: Console, person: BrowserContext, people: Path
) -> None:
    page = open_(person, console.url)
    sign_in(page, "nora")
    expect(page.get_by_text("Ask an administrator of the console to give you a role")).to_be_visible()
    expect(page.get_by_text(re.compile("You are signed in as nora.*example.com, which has no access"))).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()
    sign_in(page, "lee")
    new = page.get_by_role("button", name="New")
    expect(new).to_be_visible()
    settle(page)
    people.write_text(PEOPLE.replace("lee", "kim"))
    new.click()
    expect(page.get_by_text(re.compile("lee.*example.com, which has no access"))).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    people.write_text(PEOPLE)
    assert [entry for entry in entries(console) if entry[1] != "rita@example.com"] == [
        ("sign_in.refused", "nora@example.com"),
        ("sign_in.ended", "nora@example.com"),
        ("sign_in.begun", "lee@example.com"),
        ("sign_in.refused", "lee@example.com"),
    ]


def test_a_cookie_that_was_forged_or_is_over_lets_nobody_in(console: Console, person: BrowserContext) -> None:
    now = int(time.time())
    for secret, begun, words in ((f"{SECRET}x", now, None), (SECRET, now - 7200, "Your sign-in is over")):
        cookie = _cookie(console, secret=secret, begun=begun)
        person.add_cookies([{"name": COOKIE, "value": cookie, "url": console.url}])
        page = open_(person, console.url)
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        settle(page)
        expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
        expect(page.get_by_text("Your sign-in is over")).to_have_count(1 if words else 0)
        page.close()
    # The same claims, signed with the right secret and not over, do let somebody in: it was these that refused.
    person.add_cookies([{"name": COOKIE, "value": _cookie(console, secret=SECRET, begun=now), "url": console.url}])
    expect(open_(person, console.url).get_by_role("button", name="Rita Moreno")).to_be_visible()


def _cookie(console: Console, *, secret: str, begun: int) -> str:
    """Return what Streamlit would have the browser keep after Rita signed in."""
    claims = {
        "iss": "https://id.example.com",
        "sub": "rita",
        "email": "rita@example.com",
        "name": "Rita Moreno",
        "iat": begun,
        "exp": begun + 3600,
        "nonce": "made-here",
        "origin": console.url,
        "is_logged_in": True,
        "provider": "default",
    }
    return create_signed_value(secret, COOKIE, json.dumps(claims)).decode()
