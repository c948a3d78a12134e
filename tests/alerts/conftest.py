"""Records of the test, a clock that the test sets, and a trace store's answers that it gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from storage.records import Records, open_engine
from tests.migrated import migrated
from triage.alerts.service import AlertService
from triage.alerts.watch import AlertWatch
from triage.domain import SUBSCRIBABLE_TOPICS, Actor, AlertState, Delivery, Role, Webhook, WebhookFormat
from triage.domain.measures import ConversationTurns, HandoffOutcomes, Percentiles, RunTimes, RunTotals, Spending
from triage.domain.traces import MeasureFilter, TimeRange

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOOK = "whk_1"
MANAGER = Actor(name="mona", role=Role.MANAGER)
_NO_RUNS = {"queued": 0, "running": 0, "awaiting_approval": 0, "completed": 0, "failed": 0, "cancelled": 0}


@dataclass
class Figures:
    """Answers like the measures of the trace store; runs by how long before now a range ends."""

    runs: int = 1000
    blocked: int = 10
    handoffs: int = 100
    successful: int = 95
    p95_ms: float | None = 5000.0
    turns: dict[int, float] = field(default_factory=lambda: {0: 8.0, 1: 8.0})
    costs: dict[int, Decimal] = field(default_factory=lambda: dict.fromkeys(range(5), Decimal(10)))
    fails: bool = False
    asked: list[tuple[TimeRange, MeasureFilter]] = field(default_factory=list)

    def _note(self, time_range: TimeRange, chosen: MeasureFilter) -> int:
        if self.fails:
            raise OSError("the store is away")
        self.asked.append((time_range, chosen))
        return (NOW - time_range.end) // (time_range.end - time_range.start)

    def totals(self, time_range: TimeRange, chosen: MeasureFilter) -> RunTotals:
        self._note(time_range, chosen)
        return RunTotals(runs=self.runs, blocked=self.blocked, degraded=0, conversations=self.runs, turns=0, **_NO_RUNS)

    def conversation_turns(self, time_range: TimeRange, chosen: MeasureFilter) -> ConversationTurns:
        p95 = self.turns.get(self._note(time_range, chosen))
        return ConversationTurns(
            conversations=self.runs if p95 else 0, runs=self.runs, turns=0, p50=p95, p95=p95, longest=0
        )

    def handoff_totals(self, time_range: TimeRange, chosen: MeasureFilter) -> HandoffOutcomes:
        self._note(time_range, chosen)
        return HandoffOutcomes(handoffs=self.handoffs + 7, waiting=7, successful=self.successful)

    def time_totals(self, time_range: TimeRange, chosen: MeasureFilter) -> RunTimes:
        self._note(time_range, chosen)
        count = self.runs if self.p95_ms else 0
        return RunTimes(completion=Percentiles(count=count, p95_ms=self.p95_ms), first_event=Percentiles())

    def cost_total(self, time_range: TimeRange, chosen: MeasureFilter) -> Spending:
        cost = self.costs.get(self._note(time_range, chosen), Decimal(0))
        return Spending(name=None, cost_usd=cost, unpriced_calls=3)


@dataclass
class Part:
    totals: Any = None
    total: Any = None


class Traces:
    """The parts of the trace store that rules ask, on top of some figures."""

    def __init__(self, figures: Figures) -> None:
        self.runs = figures
        self.handoffs = Part(totals=figures.handoff_totals)
        self.times = Part(totals=figures.time_totals)
        self.costs = Part(total=figures.cost_total)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(open_engine(migrated(tmp_path / "triage.db")))
    yield opened
    opened.close()


@pytest.fixture
def desk(records: Records) -> Desk:
    """A watch whose thread is not started, over a real store; a webhook wants every topic, and nothing is sent."""
    webhook = Webhook(
        id=HOOK, url="https://example.com", format=WebhookFormat.JSON, topics=SUBSCRIBABLE_TOPICS, created_by="ada",
        created_at=NOW,
    )  # fmt: skip
    with records.begin() as tx:
        tx.webhooks.add(webhook, secret="whsec_test")
    return Desk(records)


class Desk:
    """What a test of states looks at."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.figures = Figures()
        self.clock = Clock()
        self.alerts = AlertService(records=records, traces=Traces(self.figures), clock=self.clock)

    def look(self) -> None:
        """Look as a console does that was just started, and let a minute pass."""
        AlertWatch(records=self.records, traces=Traces(self.figures), clock=self.clock).tick()
        self.clock.later(minutes=1)

    def told(self) -> list[str]:
        """The topics of the notices that were kept, oldest first."""
        return [delivery.topic.value for delivery in self.notices()]

    def notices(self) -> list[Delivery]:
        with self.records.read() as tx:
            return list(reversed(tx.deliveries.list(HOOK, limit=100)))

    def states(self) -> dict[str, AlertState]:
        return {standing.rule.id: standing.state.state for standing in self.alerts.standings() if standing.state}
