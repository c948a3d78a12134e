"""A console as a process of its own, as somebody would start it, on a data folder that goes with the tests."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import RunningModule
from tests.surroundings import clean_environment
from triage.domain import Run
from triage.services import Services, open_services
from triage.settings import Settings, load_settings

START_S = 60.0


@dataclass(frozen=True)
class Console:
    """A running console; ``records`` looks at its data folder from outside, as the command line does."""

    url: str
    settings: Settings

    @contextmanager
    def records(self) -> Iterator[Services]:
        services = open_services(self.settings, kind="test", own=False)
        try:
            yield services
        finally:
            services.close()

    def run_with(self, text: str) -> Run:
        """Return the newest run whose message has this text."""
        with self.records() as services:
            return next(run for run in services.runs.list(limit=100) if text in run.message)


@contextmanager
def running_console(folder: Path, **variables: str) -> Iterator[Console]:
    """Start a console on ``folder`` and stop it at the end; ``variables`` are settings by their name."""
    port = free_port()
    process = RunningModule(
        "streamlit",
        "run",
        "app.py",
        f"--server.port={port}",
        "--server.fileWatcherType=none",
        environment=clean_environment(folder, **variables),
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(process, url)
        yield Console(url, load_settings(data_dir=folder))
    finally:
        process.stop()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(process: RunningModule, url: str) -> None:
    deadline = time.monotonic() + START_S
    while process.returncode is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"The console did not start:\n{process.output()}")
