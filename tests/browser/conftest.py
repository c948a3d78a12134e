from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from bench.history import Plan, write
from storage.traces.store import TraceStore
from tests.browser.console import Console, running_console
from tests.processes import PROJECT
from tests.servers.model_brain import offline_brain
from tests.servers.model_script import ModelRequest, Reply
from tests.servers.model_server import ModelServer
from triage.domain import utc_now
from triage.settings import load_settings

RESULTS = PROJECT / "test-results"
LONGEST_WAIT_MS = 20_000
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenPage = Callable[..., Page]


@dataclass
class PacedBrain:
    """Answers like the offline engine, or as a test says; what follows a tool call waits until the gate is open."""

    gate: threading.Event = field(default_factory=threading.Event)
    answer: Callable[[ModelRequest], Reply] = offline_brain

    def __call__(self, request: ModelRequest) -> Reply:
        if any(item.get("type") == "function_call_output" for item in request.items):
            assert self.gate.wait(30), "The test did not open the gate."
        return self.answer(request)


@pytest.fixture(scope="session")
def brain() -> PacedBrain:
    return PacedBrain()


@pytest.fixture(scope="session")
def console(brain: PacedBrain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console whose model is the test server; the tests share it, each with messages of its own."""
    with (
        ModelServer(brain) as server,
        running_console(
            tmp_path_factory.mktemp("console") / "data", OPENAI_API_KEY="test-key", OPENAI_BASE_URL=server.base_url
        ) as started,
    ):
        yield started


@pytest.fixture(scope="session")
def history_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console whose trace store has three weeks of made-up work."""
    RESULTS.mkdir(exist_ok=True)
    folder = tmp_path_factory.mktemp("history") / "data"
    folder.mkdir(mode=0o700)
    store = TraceStore.open(load_settings(data_dir=folder).traces_path)
    write(store, Plan(runs=1500, days=21, until=utc_now().replace(minute=0, second=0, microsecond=0)))
    store.close()
    with running_console(folder) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    """A browser for one module: its event loop would be in the way of coroutine tests that come later."""
    wanted = [os.environ.get("CHROMIUM"), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
    path = next((found for name in wanted if name and (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("The browser tests need Chromium: install one, set CHROMIUM, or leave out -m browser.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        expect.set_options(timeout=LONGEST_WAIT_MS)
        yield started.new_context()
        started.close()


@pytest.fixture
def open_page(browser: BrowserContext, brain: PacedBrain, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Open addresses, each for a person of its own; a failing test leaves pictures in test-results.

    A tab is a session of its own to the console. They share what the browser keeps of its scripts, which take seconds.
    """
    opened: list[Page] = []
    refused: list[str] = []
    brain.gate.set()

    def open_one(url: str, *, width: int = 1280, height: int = 900, theme: Any = "light") -> Page:
        page = browser.new_page()
        page.set_default_timeout(LONGEST_WAIT_MS)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
        opened.append(page)
        go(page, url)
        return page

    yield open_one
    brain.gate.set()
    keep_pictures(opened, of=request.node)
    for page in opened:
        page.close()
    assert refused == [], "The pages need what their own rules refuse (triage/page_headers.py)."


def keep_pictures(pages: list[Page], *, of: pytest.Item) -> None:
    """Leave pictures of the pages of a test that failed."""
    if not getattr(of, "has_failed", False):
        return
    RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"[^\w-]+", "-", of.name)
    for number, page in enumerate(pages, 1):
        if not page.is_closed():
            page.screenshot(path=RESULTS / f"{name}-{number}.png", full_page=True)


def go(page: Page, url: str) -> None:
    """Open an address and wait until the page has drawn itself."""
    page.goto(url)
    page.locator('[data-testid="stSidebar"]').wait_for()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the script has run and no placeholder is left."""
    expect(page.locator('[data-testid="stStatusWidget"], [data-testid="stSkeleton"]')).to_have_count(0)


def in_both_themes(page: Page) -> Iterator[str]:
    """Show the page as somebody sees it whose system is light, then dark; it follows without a reload."""
    for theme, background in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(14, 22, 27)")):
        page.emulate_media(color_scheme=cast("Any", theme))
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
        yield theme


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call" and report.failed:
        item.has_failed = True  # type: ignore[attr-defined]
    return report
