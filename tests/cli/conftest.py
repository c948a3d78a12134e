"""The command line as a person uses it, on a data folder of the test.

Commands run in this process, through the same ``main`` and with streams of their own, because a new process takes
seconds to import everything. What needs a process of its own (kills, signals, two at once, what survives one) gets one.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from agents.tracing.setup import set_trace_provider
from typer.testing import CliRunner

from tests.processes import RunningModule, run_module
from triage.cli.app import main
from triage.tracing import RunTraceProvider

PROJECT = Path(__file__).resolve().parents[2]
LONGEST_S = 60.0

Done = subprocess.CompletedProcess[str]


class CommandLine:
    """Runs ``python -m triage``; ``environment`` can be changed by a test."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.data_dir = Path(environment["TRIAGE_DATA_DIR"])

    def run(self, *arguments: str, stdin: bytes | None = None) -> Done:
        """Run a command in this process."""
        with _own_surroundings(arguments), CliRunner().isolation(stdin, env=self.environment) as (out, errors, _):
            status: Any = 0
            try:
                main()
            except SystemExit as ending:
                status = ending.code or 0
            sys.stdout.flush()
            sys.stderr.flush()
            return subprocess.CompletedProcess(arguments, status, out.getvalue().decode(), errors.getvalue().decode())

    def run_process(self, *arguments: str, stdin: bytes | None = None) -> Done:
        """Run a command as a process of its own."""
        return run_module("triage", *arguments, environment=self.environment, stdin=stdin or b"")

    def json(self, *arguments: str, stdin: bytes | None = None, status: int = 0, process: bool = False) -> Any:
        """Run with ``--json`` and return what is printed; standard error must stay silent."""
        done = (self.run_process if process else self.run)(*arguments, "--json", stdin=stdin)
        assert done.returncode == status, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    def refusal(self, *arguments: str, stdin: bytes | None = None, process: bool = False) -> str:
        """Run what must be refused and return the one sentence on standard error."""
        done = (self.run_process if process else self.run)(*arguments, stdin=stdin)
        assert done.returncode == 1, done.stdout
        assert done.stdout == ""
        [line] = done.stderr.splitlines()
        assert line.startswith("triage: ")
        return line.removeprefix("triage: ")

    @contextmanager
    def background(self, *arguments: str, module: str = "triage") -> Iterator[RunningModule]:
        """Run a process beside the test, which ends it at the latest at the end of the block."""
        process = RunningModule(module, *arguments, environment=self.environment)
        try:
            yield process
        finally:
            process.close()

    @contextmanager
    def worker(self) -> Iterator[RunningModule]:
        """Let a worker own the data folder, as a console would."""
        with self.background("worker") as process:
            process.wait_for_output("Working")
            yield process


@contextmanager
def _own_surroundings(arguments: tuple[str, ...]) -> Iterator[None]:
    """Give ``main`` its arguments, and undo afterwards what it sets for a whole process."""
    before, logs, on_end = sys.argv, structlog.get_config(), signal.getsignal(signal.SIGTERM)
    durable = logging.getLogger("dbos")
    handlers = list(durable.handlers)
    sys.argv = ["triage", *arguments]
    try:
        yield
    finally:
        sys.argv = before
        structlog.configure(**logs)
        # The durable engine's own handler keeps the standard error of the first command.
        durable.handlers = handlers
        signal.signal(signal.SIGTERM, on_end)
        set_trace_provider(RunTraceProvider())


def until(found: Callable[[], bool], *, what: str) -> None:
    """Wait for what another process does; it fails loudly instead of hanging."""
    deadline = time.monotonic() + LONGEST_S
    while not found():
        assert time.monotonic() < deadline, f"It never happened: {what}."
        time.sleep(0.05)


@pytest.fixture
def triage(child_environment: dict[str, str], unpaced: None) -> CommandLine:
    return CommandLine(child_environment)
