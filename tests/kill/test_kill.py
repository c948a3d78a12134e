"""A worker is killed at many points of a run, over the real protocol; the next one brings the run to its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from storage.records import Records, open_engine
from storage.traces.store import TraceStore
from tests.servers.model_server import ModelServer
from triage.domain import ApprovalStatus, EventKind, ExecutionStatus, RunStatus

pytestmark = [pytest.mark.kill, pytest.mark.timeout(180)]
PROJECT = Path(__file__).resolve().parents[2]
MESSAGE = "All our data is gone after the update, every project is empty"

# Where the first segment dies: it ends by waiting for approval of the critical ticket.
BEFORE_APPROVAL = [
    "before:model:guardrail#0",
    "after:model:guardrail#0",
    "before:model:triage#0",
    "after:model:triage#0",
    "inside:tool:search_knowledge_base#0",
    "after:tool:search_knowledge_base#0",
    "after:model:triage#1",
    "inside:model:specialist#0",
    "after:model:specialist#0",
    "finish",
    "finished",
]
# Where the second one dies, after the decision.
AFTER_APPROVAL = [
    "before:tool:create_support_ticket#0",
    "inside:tool:create_support_ticket#0",
    "after:tool:create_support_ticket#0",
    "after:model:specialist#0",
    "text:5",
    "after:model:writer#0",
    "after:model:specialist#1",
    "finish",
    "finished",
]


class Desk:
    """The command line of the product on one data folder, against one model server."""

    def __init__(self, environment: dict[str, str], server: ModelServer) -> None:
        self.data_dir = Path(environment["TRIAGE_DATA_DIR"])
        self.server = server
        self._environment = {
            **environment,
            "OPENAI_API_KEY": "test-key",
            "OPENAI_BASE_URL": server.base_url,
            "TRIAGE_MODEL_RETRIES": "0",
        }

    def triage(self, *arguments: str) -> Any:
        done = self._run("triage", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def kill_at(self, point: str) -> None:
        done = self._run("tests.kill.victim", point)
        expected = 0 if point == "none" else -signal.SIGKILL
        assert done.returncode == expected, f"{point} was not reached: {done.stderr}"

    def _run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=PROJECT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def finished_spans(self) -> list[str]:
        return (self.data_dir / "spans.txt").read_text().split()


@pytest.fixture
def desk(child_environment: dict[str, str]) -> Any:
    with ModelServer() as server:
        yield Desk(child_environment, server)


def _approve(desk: Desk, run_id: str) -> None:
    (approval,) = desk.triage("runs", "show", run_id)["approvals"]
    assert approval["status"] == "pending"
    desk.triage("approvals", "approve", approval["id"])


def _assert_whole(desk: Desk, run_id: str, *, repeated_calls: int) -> None:
    """Everything that a killed run must look like at its end: nothing lost, nothing twice."""
    shown = desk.triage("runs", "show", run_id)
    assert shown["status"] == "completed", shown["error"]
    assert len(shown["tickets"]) == 1
    assert shown["result"]["category"] == "technical"
    assert shown["reply"]
    asked = Counter(json.dumps(request.body, sort_keys=True) for request in desk.server.requests)
    assert sum(asked.values()) - len(asked) == repeated_calls, "A finished model call was asked for again."
    _assert_records(desk, run_id, calls=len(asked))
    _assert_spans(desk, shown["trace_id"], calls=len(asked))


def _assert_records(desk: Desk, run_id: str, *, calls: int) -> None:
    records = Records(open_engine(f"sqlite:///{desk.data_dir / 'triage.db'}"))
    with records.read() as tx:
        events, run = tx.events.list(run_id, limit=5000), tx.runs.get(run_id)
        (approval,) = tx.approvals.list_of_run(run_id)
    records.close()
    assert run.status is RunStatus.COMPLETED
    assert run.usage.requests == calls
    assert (approval.status, approval.execution) == (ApprovalStatus.APPROVED, ExecutionStatus.SUCCEEDED)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    once = Counter(event.kind for event in events)
    for kind in (EventKind.RUN_QUEUED, EventKind.RUN_COMPLETED, EventKind.TICKET_CREATED, EventKind.APPROVAL_DECIDED):
        assert once[kind] == 1, kind
    assert once[EventKind.MODEL_COMPLETED] == calls
    assert _text_of(events).strip() == run.reply


def _text_of(events: list[Any]) -> str:
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
    run_id = desk.triage("submit", MESSAGE)["id"]
    desk.kill_at(point)
    desk.triage("worker", "--drain")
    _approve(desk, run_id)
    desk.kill_at("none")
    _assert_whole(desk, run_id, repeated_calls=1 if point.startswith("inside:model") else 0)


@pytest.mark.parametrize("point", AFTER_APPROVAL)
def test_a_run_killed_after_the_decision_acts_once(desk: Desk, point: str) -> None:
    run_id = desk.triage("submit", MESSAGE)["id"]
    desk.kill_at("none")
    _approve(desk, run_id)
    desk.kill_at(point)
    desk.triage("worker", "--drain")
    # The writer's call was cut while it streamed, so it had not finished and is asked again.
    _assert_whole(desk, run_id, repeated_calls=1 if point.startswith("text") else 0)


def test_a_run_killed_twice_in_a_row_reaches_its_end(desk: Desk) -> None:
    run_id = desk.triage("submit", MESSAGE)["id"]
    desk.kill_at("after:model:triage#0")
    desk.kill_at("inside:tool:search_knowledge_base#0")
    desk.triage("worker", "--drain")
    _approve(desk, run_id)
    desk.kill_at("none")
    _assert_whole(desk, run_id, repeated_calls=0)
