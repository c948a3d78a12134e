"""How long the product takes to start and how much memory it holds: services alone, and the whole console."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

from bench.desk import settings_for, submit, wait_for
from bench.figures import Figure
from bench.model_process import PROJECT, model_server
from triage.services import open_services
from triage.settings import Settings

REPEATS = 3
RUNS = 200
LONGEST_START_S = 120.0
SETTLE_S = 3.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
IMPORT_ONLY = "import triage.services"
OPEN_SERVICES = (
    "from triage.services import open_services; from triage.settings import load_settings; "
    "open_services(load_settings(), kind='benchmark').close()"
)


def measure(*, repeats: int = REPEATS, runs: int = RUNS) -> list[Figure]:
    """Start processes again and again, then one console that works through many runs."""
    return [
        Figure("python to imported triage.services", _python(IMPORT_ONLY, repeats), "s"),
        Figure("python to services opened and closed", _python(OPEN_SERVICES, repeats), "s"),
        *_console(repeats=repeats, runs=runs),
    ]


def _python(code: str, repeats: int) -> float:
    """Return the median seconds of an interpreter that runs ``code`` in a data folder that was used before."""
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as folder:
        times = []
        for _ in range(repeats + 1):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=_environment(folder), check=True)  # noqa: S603
            times.append(time.perf_counter() - begun)
    # The first one makes the folder and compiles modules.
    return statistics.median(times[1:])


def _console(*, repeats: int, runs: int) -> list[Figure]:
    healthy, shown = [], []
    with (
        tempfile.TemporaryDirectory(prefix="triage-bench-") as folder,
        model_server(delay_ms=0) as (model_url, _),
        _browser() as browser,
    ):
        model = {"OPENAI_API_KEY": "benchmark", "OPENAI_BASE_URL": model_url}
        for _ in range(repeats):
            begun = time.perf_counter()
            with _running_console(folder, model) as (url, console):
                healthy.append(time.perf_counter() - begun)
                if browser is not None:
                    _draw_desk(browser, url)
                    shown.append(time.perf_counter() - begun)
                time.sleep(SETTLE_S)
                idle = console.memory_info().rss
                if len(healthy) == repeats:
                    _work(folder, runs)
                    time.sleep(SETTLE_S)
                    worked = console.memory_info().rss
    first_page = [Figure("console start to first page drawn", statistics.median(shown), "s")] if shown else []
    note = "" if shown else "no Chromium: the page was not drawn"
    return [
        Figure("console start to healthy", statistics.median(healthy), "s", note=note),
        *first_page,
        Figure("memory of the console after its start", idle / 2**20, "MiB"),
        Figure(f"memory of the console after {runs} runs", worked / 2**20, "MiB"),
    ]


@contextmanager
def _running_console(folder: str, model: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """Run the console on a free port; yield its address and process when it says to be healthy."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
    with subprocess.Popen(  # noqa: S603
        command, cwd=PROJECT, env=_environment(folder, **model), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as console:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(url, console)
            yield url, psutil.Process(console.pid)
        finally:
            console.terminate()
            try:
                console.wait(20)
            except subprocess.TimeoutExpired:
                console.kill()


def _wait_until_healthy(url: str, console: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LONGEST_START_S
    while time.monotonic() < deadline:
        assert console.poll() is None, "The console ended at its start."
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("The console did not become healthy.")


@contextmanager
def _browser() -> Iterator[Browser | None]:
    """Open a browser, before any time is taken; None where there is none."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        yield None
        return
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path) as browser:
        yield browser


def _draw_desk(browser: Browser, url: str) -> None:
    """Open the console as a new visitor and wait until the desk is drawn to its end."""
    with browser.new_context() as visitor:
        page = visitor.new_page()
        page.goto(url)
        page.get_by_test_id("stSidebar").get_by_text("Local mode").wait_for(timeout=60_000)
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)


def _work(folder: str, runs: int) -> None:
    """Hand runs to the console, as the command line does, and wait for their end."""
    services = open_services(settings_for(Path(folder)), kind="benchmark", own=False)
    try:
        wait_for(services, submit(services, runs), every_s=0.5)
    finally:
        services.close()


def _environment(folder: str, **more: str) -> dict[str, str]:
    settings = {str(field.alias) for field in Settings.model_fields.values()}
    kept = {name: value for name, value in os.environ.items() if name not in settings}
    # Set, though empty, they hide what a .env file says.
    return {**kept, "OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "TRIAGE_DATA_DIR": folder, **more}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
