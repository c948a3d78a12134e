"""Commands beside an owner of the data folder, and how they end when they are told to."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.cli.conftest import LONGEST_S, CommandLine, until
from tests.processes import RunningModule
from tests.servers.model_script import Hang
from tests.servers.model_server import ModelServer

WORKING = "Working on the queue. Stop with Ctrl-C; unfinished runs go on with the next start.\n"
INVOICES = "My invoices aren't generating since yesterday and we have a client audit tomorrow"


def _end(process: RunningModule, number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, errors = process.communicate(timeout=LONGEST_S)
    return process.returncode, out, errors


def test_beside_a_worker_commands_hand_their_work_over(triage: CommandLine) -> None:
    with triage.worker() as worker:
        run = triage.json("submit", INVOICES, "--wait")
        assert run["status"] == "completed"
        refusal = triage.refusal("worker")
        assert f"in use by a worker (process {worker.pid}" in refusal
        checks = {check["name"]: check for check in triage.json("doctor")}
        assert f"in use by a worker (process {worker.pid})" in checks["data folder and records"]["message"]
        assert "is open in the process" in checks["trace store"]["message"]
        assert _end(worker, signal.SIGTERM) == (0, f"{WORKING}Stopped.\n", "")
    checks = {check["name"]: check for check in triage.json("doctor")}
    assert "not in use" in checks["data folder and records"]["message"]


@pytest.fixture
def silent_model(triage: CommandLine) -> Any:
    """A model that never answers the first call of a run."""
    with ModelServer() as server:
        triage.environment |= {"OPENAI_API_KEY": "test-key", "OPENAI_BASE_URL": server.base_url}
        yield server


def test_an_interrupted_command_keeps_the_message_for_the_next_start(
    triage: CommandLine, silent_model: ModelServer
) -> None:
    silent_model.enqueue(Hang())
    with triage.background("submit", INVOICES, "--wait", "--json") as waiting:
        until(lambda: bool(silent_model.requests), what="the first model call")
        code, out, errors = _end(waiting, signal.SIGINT)
    assert (code, out) == (130, "")
    assert errors == "triage: Interrupted. What was accepted is kept; the next start goes on with it.\n"
    assert triage.json("worker", "--drain")["runs"] == 1
    [run] = triage.json("runs", "list")
    assert (run["status"], run["degraded"]) == ("completed", False)


def test_a_command_that_waits_takes_over_when_the_owner_is_killed(
    triage: CommandLine, silent_model: ModelServer
) -> None:
    silent_model.enqueue(Hang())
    with triage.worker() as worker, triage.background("submit", INVOICES, "--wait", "--json") as waiting:
        until(lambda: bool(silent_model.requests), what="the first model call")
        worker.kill()
        out, errors = waiting.communicate(timeout=LONGEST_S)
    assert (waiting.returncode, errors) == (0, "")
    assert '"status": "completed"' in out
