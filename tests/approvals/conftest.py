"""Approvals over real records with a clock of the test, and without agents: a paused run is written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from agents.tracing import get_trace_provider

from storage.records import Records, open_engine
from tests.migrated import migrated
from triage.approvals.aftermath import AftermathService
from triage.approvals.gate import BuiltInPolicy, Policies
from triage.approvals.service import ApprovalService
from triage.approvals.timekeeper import Timekeeper
from triage.domain import Actor, Approval, ApprovalStatus, Conversation, Mode, Role, Run, RunStatus, StoredState

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
RITA = Actor(name="rita", role=Role.REVIEWER)
SAM = Actor(name="sam", role=Role.REVIEWER)
OLGA = Actor(name="olga", role=Role.OPERATOR)
ALICE = "alice@example.com"


class Woken:
    """A queue that only counts how often it was woken."""

    def __init__(self) -> None:
        self.times = 0

    def wake(self) -> None:
        self.times += 1


class AnyForm:
    """A book of tools in which every form with a title of text can be used."""

    def form(self, tool: str) -> dict[str, Any] | None:
        return {"type": "object", "title": tool}

    def problem(self, tool: str, arguments: Any) -> str | None:
        return None if str(arguments.get("title", "x")).strip() else "The argument 'title' is empty."


class Bench:
    """The services around one data file, and the time."""

    def __init__(self, records: Records, *, policies: Policies | None = None) -> None:
        self.records = records
        self.now = START
        self.queue = Woken()
        self.policies = policies or BuiltInPolicy()
        self.told: list[tuple[str, str]] = []
        options: dict[str, Any] = {"records": records, "clock": lambda: self.now}
        self.approvals = ApprovalService(
            queue=self.queue, policies=self.policies, tools=AnyForm(), notify=self._notify, **options
        )
        self.aftermath = AftermathService(**options)
        self.timekeeper = Timekeeper(queue=self.queue, policies=self.policies, notify=self._notify, **options)

    def _notify(self, tx: Any, topic: str, approval: Approval) -> None:
        self.told.append((topic, approval.id))

    def later(self, **spans: float) -> None:
        """Let time pass."""
        self.now += timedelta(**spans)

    def asks(self, run_id: str = "r1", *, calls: int = 1, **fields: Any) -> list[Approval]:
        """Write a run that waits for decisions on some calls."""
        with self.records.begin() as tx:
            tx.conversations.add(
                Conversation(
                    id=f"c-{run_id}",
                    customer_email=ALICE,
                    account_id=None,
                    subject="S",
                    created_at=START,
                    updated_at=START,
                )
            )
            tx.runs.add(
                Run(
                    id=run_id,
                    conversation_id=f"c-{run_id}",
                    message_id="m",
                    status=RunStatus.AWAITING_APPROVAL,
                    message="Everything is gone.",
                    customer_email=ALICE,
                    submitted_by=OLGA.name,
                    trace_id="t",
                    created_at=START,
                    updated_at=START,
                )
            )
            tx.states.put(
                StoredState(
                    run_id=run_id,
                    segment=0,
                    state="{}",
                    facts={},
                    signature="none",
                    sdk_version="0",
                    schema_version="0",
                    tools_fingerprint="none",
                    created_at=START,
                )
            )
            asked = [self._asked(run_id, number, **fields) for number in range(calls)]
            for approval in asked:
                tx.approvals.add(approval)
        return asked

    def _asked(self, run_id: str, number: int, **fields: Any) -> Approval:
        usual = {
            "id": f"{run_id}-a{number}",
            "run_id": run_id,
            "segment": 0,
            "conversation_id": f"c-{run_id}",
            "call_id": f"call{number}",
            "tool": "create_support_ticket",
            "agent": "Triage agent",
            "arguments": {"title": f"Ticket {number}", "priority": "critical"},
            "summary": "Create a ticket",
            "policy": "A person decides.",
            "mode": Mode.APPROVAL,
            "amount_usd": Decimal(0),
            "customer_email": ALICE,
            "submitted_by": OLGA.name,
            "status": ApprovalStatus.PENDING,
            "due_at": START + timedelta(hours=1),
            "expires_at": START + timedelta(hours=8),
            "created_at": START,
            "updated_at": START,
        }
        return Approval(**{**usual, **fields})

    def run(self, run_id: str = "r1") -> Run:
        with self.records.read() as tx:
            return tx.runs.get(run_id)

    def audited(self) -> list[str]:
        """Return the actions in the audit log, in order."""
        with self.records.read() as tx:
            return [entry.action for entry in tx.audit.list()]


@pytest.fixture(autouse=True)
def _no_traces() -> Iterator[None]:
    """Nobody installed our processor here, and the SDK's own would start its thread."""
    provider = get_trace_provider()
    provider.set_disabled(True)
    yield
    provider.set_disabled(False)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(open_engine(migrated(tmp_path / "triage.db")))
    yield opened
    opened.close()


@pytest.fixture
def bench(records: Records) -> Bench:
    return Bench(records)
