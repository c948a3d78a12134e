"""A worker is killed at many points of a run, over the real protocol; the next one brings the run to its end."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from storage.traces.store import TraceStore
from tests.processes import run_module
from tests.servers.model_server import ModelServer
from triage.domain import Actor, ApprovalStatus, EventKind, ExecutionStatus, Role, Run, RunEvent, RunStatus
from triage.services import open_services
from triage.settings import load_settings

pytestmark = [pytest.mark.kill, pytest.mark.timeout(180)]
PERSON = Actor(name="rita", role=Role.REVIEWER)
MESSAGE = "All our data is gone after the update, every project is empty"

# Where the first segment dies: it ends by waiting for approval of the critical ticket.
BEFORE_APPROVAL = [
    "before:model:guardrail#0",
    "after:model:guardrail#0",
    "inside:tool:search_knowledge_base#0",
    "inside:model:specialist#0",
    "after:model:specialist#0",
    "finished",
]
# Where the second one dies, after the decision.
AFTER_APPROVAL = [
    "before:tool:create_support_ticket#0",
    "inside:tool:create_support_ticket#0",
    "text:5",
    "after:model:specialist#1",
    "finish",
]


class Desk:
    """One data folder: agents work in processes of their own, against one model server; people act from here."""

    def __init__(self, environment: dict[str, str], server: ModelServer) -> None:
        self.data_dir = Path(environment["TRIAGE_DATA_DIR"])
        self.server = server
        self.services = open_services(load_settings(data_dir=self.data_dir), kind="test", own=False)
        self._environment = {
            **environment,
            "OPENAI_API_KEY": "test-key",
            "OPENAI_BASE_URL": server.base_url,
            "TRIAGE_MODEL_RETRIES": "0",
        }

    def submit(self) -> str:
        return self.services.runs.submit(MESSAGE, actor=Actor(name="olga")).id

    def approve(self, run_id: str) -> None:
        (approval,) = self.services.approvals.list_of_run(run_id)
        self.services.approvals.approve(approval.id, actor=PERSON)

    def drain(self) -> None:
        """Let a worker of the product work the queue off."""
        done = self._run("triage", "worker", "--drain")
        assert done.returncode == 0, done.stderr

    def kill_at(self, point: str) -> None:
        """Let a worker work the queue off until it kills itself, or to the end with the point ``none``."""
        done = self._run("tests.kill.victim", point)
        expected = 0 if point == "none" else -signal.SIGKILL
        assert done.returncode == expected, f"{point} was not reached: {done.stderr}"

    def _run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_module(module, *arguments, environment=self._environment)

    def finished_spans(self) -> list[str]:
        return (self.data_dir / "spans.txt").read_text().split()


@pytest.fixture
def desk(child_environment: dict[str, str], started_once: Path) -> Any:
    with ModelServer() as server:
        desk = Desk(child_environment, server)
        yield desk
        desk.services.close()


def _assert_whole(desk: Desk, run_id: str, *, repeated_calls: int) -> None:
    """Everything that a killed run must look like at its end: nothing lost, nothing twice."""
    asked = Counter(json.dumps(request.body, sort_keys=True) for request in desk.server.requests)
    assert sum(asked.values()) - len(asked) == repeated_calls, "A finished model call was asked for again."
    run = desk.services.runs.get(run_id)
    assert run.status is RunStatus.COMPLETED, run.failure
    assert run.result is not None
    assert run.usage.requests == len(asked)
    assert len(desk.services.runs.tickets(run_id)) == 1
    (approval,) = desk.services.approvals.list_of_run(run_id)
    assert (approval.status, approval.execution) == (ApprovalStatus.APPROVED, ExecutionStatus.SUCCEEDED)
    _assert_events(desk.services.runs.events(run_id), run, calls=len(asked))
    _assert_spans(desk, run.trace_id, calls=len(asked))


def _assert_events(events: list[RunEvent], run: Run, *, calls: int) -> None:
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    once = Counter(event.kind for event in events)
    for kind in (EventKind.RUN_QUEUED, EventKind.RUN_COMPLETED, EventKind.TICKET_CREATED, EventKind.APPROVAL_DECIDED):
        assert once[kind] == 1, kind
    assert once[EventKind.MODEL_COMPLETED] == calls
    assert _text_of(events).strip() == run.reply


def _text_of(events: list[RunEvent]) -> str:
    """What somebody who watched the whole time has on the screen."""
    text = ""
    for event in events:
        if event.kind is EventKind.TEXT_RESTARTED:
            text = ""
        elif event.kind is EventKind.TEXT_DELTA:
            text += event.payload["text"]
    return text


def _assert_spans(desk: Desk, trace_id: str, *, calls: int) -> None:
    store = TraceStore.open(desk.data_dir / "traces.duckdb")
    rows = store.records(
        "select span_id, kind, is_model_call from spans where trace_id = $trace_id", {"trace_id": trace_id}
    )
    store.close()
    kept = Counter(row["span_id"] for row in rows)
    assert set(desk.finished_spans()) <= set(kept), "A finished span is missing."
    assert max(kept.values()) == 1, "A span is kept twice."
    assert sum(bool(row["is_model_call"]) for row in rows) >= calls


@pytest.mark.parametrize("point", BEFORE_APPROVAL)
def test_a_run_killed_before_its_approval_reaches_its_end(desk: Desk, point: str) -> None:
    run_id = desk.submit()
    desk.kill_at(point)
    desk.drain()
    desk.approve(run_id)
    desk.kill_at("none")
    _assert_whole(desk, run_id, repeated_calls=1 if point.startswith("inside:model") else 0)


@pytest.mark.parametrize("point", AFTER_APPROVAL)
def test_a_run_killed_after_the_decision_acts_once(desk: Desk, point: str) -> None:
    run_id = desk.submit()
    desk.kill_at("none")
    desk.approve(run_id)
    desk.kill_at(point)
    desk.drain()
    # The writer's call was cut while it streamed, so it had not finished and is asked again.
    _assert_whole(desk, run_id, repeated_calls=1 if point.startswith("text") else 0)


def test_a_run_killed_twice_in_a_row_reaches_its_end(desk: Desk) -> None:
    run_id = desk.submit()
    desk.kill_at("after:model:triage#0")
    desk.kill_at("inside:tool:search_knowledge_base#0")
    desk.drain()
    desk.approve(run_id)
    desk.kill_at("none")
    _assert_whole(desk, run_id, repeated_calls=0)
