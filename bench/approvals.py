"""The approvals page with ten thousand open approvals, and how soon a decision lets its run go on."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from streamlit.testing.v1 import AppTest

from bench.desk import ACTOR, LONGEST_WAIT_S
from bench.figures import Figure
from pages.components.context import ROLE_KEY, services
from triage.domain import (
    Actor,
    Approval,
    ApprovalStatus,
    Conversation,
    EventKind,
    Role,
    Run,
    RunStatus,
    Urgency,
    utc_now,
)
from triage.services import Services, settle_in

PENDING = 10_000
PAGE_RUNS = 15
DECISIONS = 15
AIM_MS = 300.0
CONSOLE = Path(__file__).resolve().parents[1] / "pages" / "console.py"
REVIEWER = Actor(name="reviewer of the benchmark", role=Role.REVIEWER)
GONE = "All our data is gone after the update, every project is empty"


def measure(*, pending: int = PENDING, page_runs: int = PAGE_RUNS, decisions: int = DECISIONS) -> list[Figure]:
    """Open the page on a full queue, then decide runs of the offline engine that wait in it."""
    with console() as running:
        _fill(running, pending)
        waiting = [running.runs.submit(GONE, actor=ACTOR) for _ in range(decisions)]
        _wait_until_asked(running, waiting)
        settle_in()
        scripts = _page_times(page_runs)
        started = [_decide(running, run) for run in waiting]
    return [
        Figure(f"script of the approvals page, {pending:,} open", statistics.median(scripts) * 1000, "ms", aim=AIM_MS),
        Figure("decision to its run going on", statistics.median(started) * 1000, "ms", aim=AIM_MS),
    ]


@contextmanager
def console() -> Iterator[Services]:
    """Open the services that the pages use, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as folder:
        os.environ["TRIAGE_DATA_DIR"] = folder
        try:
            running = services()
            yield running
        finally:
            services.clear()
            running.close()
            del os.environ["TRIAGE_DATA_DIR"]


def _fill(running: Services, count: int) -> None:
    """Write runs that wait, each for one refund."""
    now = utc_now()
    with running.records.begin() as tx:
        for number in range(count):
            conversation, run, approval = _waiting(number, now)
            tx.conversations.add(conversation)
            tx.runs.add(run)
            tx.approvals.add(approval)


def _waiting(number: int, now: datetime) -> tuple[Conversation, Run, Approval]:
    name, email = f"{number:06}", f"customer{number % 700}@example.com"
    asked_at = now - timedelta(seconds=number)
    conversation = Conversation(
        id=f"c{name}", customer_email=email, account_id=None, subject="Refund", created_at=asked_at, updated_at=asked_at
    )
    run = Run(
        id=f"r{name}",
        conversation_id=conversation.id,
        message_id=f"m{name}",
        status=RunStatus.AWAITING_APPROVAL,
        message="I want my money back, the device stopped working after a week.",
        customer_email=email,
        submitted_by=ACTOR.name,
        trace_id=f"t{name}",
        created_at=asked_at,
        updated_at=asked_at,
    )
    approval = Approval(
        id=f"apr_{name}",
        run_id=run.id,
        segment=0,
        conversation_id=conversation.id,
        call_id=f"call_{name}",
        tool="process_refund",
        agent="Orders specialist",
        arguments={"order_id": str(number % 9 + 1), "reason": "It stopped working."},
        summary=f"Refund order {number % 9 + 1}",
        policy="A refund moves money, so a person decides.",
        rule="refund",
        urgency=list(Urgency)[number % 4],
        amount_usd=Decimal(number % 400),
        customer_email=email,
        submitted_by=ACTOR.name,
        status=ApprovalStatus.PENDING,
        due_at=now + timedelta(minutes=number % 600),
        expires_at=now + timedelta(days=2),
        created_at=asked_at,
        updated_at=asked_at,
    )
    return conversation, run, approval


def _wait_until_asked(running: Services, runs: list[Run]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while any(running.runs.get(run.id).status is not RunStatus.AWAITING_APPROVAL for run in runs):
        assert time.monotonic() < deadline, "The runs did not come to their approval."
        time.sleep(0.05)


def _page_times(count: int) -> list[float]:
    """Return the seconds of each run of the page's script, the frame included, after the first."""
    page = AppTest.from_file(str(CONSOLE), default_timeout=LONGEST_WAIT_S)
    page.session_state[ROLE_KEY] = Role.REVIEWER
    page.run()
    page.switch_page("approvals.py").run()
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        page.run()
        times.append(time.perf_counter() - begun)
        assert not page.exception, page.exception
    return times


def _decide(running: Services, run: Run) -> float:
    """Return the seconds from the call of the decision to the event that the run goes on."""
    [asked] = running.approvals.list_of_run(run.id)
    begun = time.perf_counter()
    running.approvals.approve(asked.id, actor=REVIEWER)
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not any(event.kind is EventKind.RUN_RESUMED for event in running.runs.events(run.id)):
        assert time.monotonic() < deadline, "The run did not go on."
        time.sleep(0.002)
    return time.perf_counter() - begun
