"""What durability, events and tracing add to one run over the bare SDK run of the same team and scripted model.

The ladder goes from the bare run to the product, one part more at each rung; docs/benchmarks.md says what is in each.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agents import Runner, trace
from agents.tracing import get_trace_provider

from bench.desk import ACTOR, open_desk, submit, wait_for
from bench.figures import Figure
from bench.script import ACCOUNT, EMAIL, MESSAGE, Scripts
from triage.domain import Conversation, Run, RunStatus, TriageResult, utc_now
from triage.runs.event_log import RunEvents
from triage.runs.hooks import StoryHooks
from triage.runs.records import RunRecords
from triage.runs.segment import RUN_CONFIG
from triage.runs.steps import RecordedSteps
from triage.scope import RunScope, enter_scope
from triage.services import Services
from triage.team.context import TriageContext
from triage.team.team import Team, build_team

RUNS = 40
ROUNDS = 3
WARM_UP_RUNS = 5
IDLE_S = 4.0
LOOK_EVERY_S = 1.0
AIM_CPU_MS = 15.0


@dataclass(frozen=True)
class Cost:
    """CPU and wall milliseconds of one run."""

    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True)
class Rung:
    """How much of the product a run on this rung has."""

    name: str
    durable_models: bool = True
    steps: bool = False
    events: bool = False
    traced: bool = False


RUNGS = (
    Rung("bare SDK run", durable_models=False),
    Rung("+ durable model, chain and prices"),
    Rung("+ steps kept", steps=True),
    Rung("+ events kept", steps=True, events=True),
    Rung("+ spans queryable", steps=True, events=True, traced=True),
)
PRODUCT = "+ submit, queue, workflow, run records (the product)"


class Ladder:
    """Runs the same scripted run on every rung, in one process with the services open."""

    def __init__(self, services: Services, scripts: Scripts) -> None:
        assert services.team is not None
        assert services.knowledge is not None
        self._services = services
        self._scripts = scripts
        self._records = RunRecords(services.records)
        bare = build_team(
            models=scripts, records=services.records, knowledge=services.knowledge, settings=services.settings
        )
        self._teams: dict[bool, Team] = {True: services.team, False: bare}
        self._idle_cpu_per_s = 0.0

    def measure_idle(self, seconds: float) -> float:
        """Note the CPU seconds that the waiting product takes in a second; they are taken off every run's cost."""
        begun, cpu = time.perf_counter(), time.process_time()
        time.sleep(seconds)
        self._idle_cpu_per_s = (time.process_time() - cpu) / (time.perf_counter() - begun)
        return self._idle_cpu_per_s

    def climb(self, rung: Rung, count: int) -> Cost:
        """Work runs one after the other without queue and workflow."""
        runs = [self._place() for _ in range(count)]
        self._services.settle_traces()
        self._scripts.add_runs(count)
        walls: list[float] = []

        async def work() -> None:
            for run in runs:
                begun = time.perf_counter()
                # A task of its own, so that the scope of one run is not seen by the next.
                await asyncio.create_task(self._run(rung, run))
                walls.append(time.perf_counter() - begun)

        with _tracing(rung.traced), self._counted(count) as cost:
            asyncio.run(work())
            if rung.traced:
                self._services.settle_traces()
        self._forget(runs)
        return Cost(cost(), statistics.median(walls) * 1000)

    def run_product(self, count: int) -> Cost:
        """Submit runs and wait for their end."""
        self._scripts.add_runs(count)
        with self._counted(count) as cost:
            # Looking costs CPU too, so it happens rarely.
            ended = wait_for(self._services, submit(self._services, count), every_s=LOOK_EVERY_S)
            self._services.settle_traces()
        walls = [_ms(run.started_at, run.ended_at) for run in ended]
        return Cost(cost(), statistics.median(walls))

    async def _run(self, rung: Rung, run: Run) -> None:
        scope = RunScope(run_id=run.id)
        if rung.steps:
            scope.steps = RecordedSteps(self._records, run_id=run.id, segment=0, recorded={})
        if rung.events:
            assert self._services.event_log is not None
            scope.events = RunEvents(self._services.event_log, run_id=run.id)
        enter_scope(scope)
        with trace("Support triage", trace_id=run.trace_id, group_id=run.conversation_id):
            team = self._teams[rung.durable_models]
            context = TriageContext(
                run_id=run.id,
                conversation_id=run.conversation_id,
                message=run.message,
                today=run.created_at.date(),
                customer_email=run.customer_email,
                account_id=run.account_id,
            )
            result = Runner.run_streamed(
                team.entry,
                team.start_input(context),
                context=context,
                hooks=StoryHooks(scope) if rung.events else None,
                run_config=RUN_CONFIG,
            )
            async for _ in result.stream_events():
                pass
        assert isinstance(result.final_output, TriageResult)
        if rung.events:
            assert self._services.event_log is not None
            self._services.event_log.flush(run.id)

    def _place(self) -> Run:
        """Put a run that looks like one at work into the records, so that the engine leaves it to the bench."""
        now, number = utc_now(), uuid.uuid4().hex
        conversation = Conversation(
            id=f"conv_{number}",
            customer_email=EMAIL,
            account_id=ACCOUNT,
            subject=MESSAGE,
            created_at=now,
            updated_at=now,
        )
        run = Run(
            id=f"run_{number}",
            conversation_id=conversation.id,
            message_id=f"msg_{number}",
            status=RunStatus.RUNNING,
            message=MESSAGE,
            customer_email=EMAIL,
            account_id=ACCOUNT,
            submitted_by=ACTOR.name,
            trace_id=f"trace_{number}",
            created_at=now,
            updated_at=now,
        )
        with self._services.records.begin() as tx:
            tx.conversations.add(conversation)
            tx.runs.add(run)
        return run

    def _forget(self, runs: list[Run]) -> None:
        """End the runs in the records, so that nothing looks like work that is left."""
        for run in runs:
            self._services.runs.cancel(run.id, actor=ACTOR)
        self._services.settle_traces()

    @contextmanager
    def _counted(self, count: int) -> Iterator[Callable[[], float]]:
        """Count CPU milliseconds a run, all threads of the process, without what waiting costs in the same time."""
        begun, cpu = time.perf_counter(), time.process_time()
        spent = [0.0]
        yield lambda: spent[0]
        waited = (time.perf_counter() - begun) * self._idle_cpu_per_s
        spent[0] = (time.process_time() - cpu - waited) / count * 1000


@contextmanager
def _tracing(on: bool) -> Iterator[None]:  # noqa: FBT001 - a switch
    provider = get_trace_provider()
    provider.set_disabled(not on)
    try:
        yield
    finally:
        provider.set_disabled(False)


def _ms(begun: Any, ended: Any) -> float:
    return float((ended - begun).total_seconds() * 1000)


def measure(*, runs: int = RUNS, rounds: int = ROUNDS, idle_s: float = IDLE_S) -> list[Figure]:
    """Return the figures; the rungs take turns, so that a busy moment of the machine does not hit one of them only."""
    scripts = Scripts()
    costs: dict[str, list[Cost]] = {name: [] for name in (*(rung.name for rung in RUNGS), PRODUCT)}
    # One run at a time: the cost of a run, not of a crowd.
    with open_desk(scripts, max_concurrent_runs=1) as services:
        ladder = Ladder(services, scripts)
        for rung in RUNGS:
            ladder.climb(rung, WARM_UP_RUNS)
        ladder.run_product(WARM_UP_RUNS)
        idle = ladder.measure_idle(idle_s)
        for _ in range(rounds):
            for rung in RUNGS:
                costs[rung.name].append(ladder.climb(rung, runs))
            costs[PRODUCT].append(ladder.run_product(runs))
        scripts.assert_complete()
    return _figures({name: _median(kept) for name, kept in costs.items()}, idle=idle)


def _median(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(cost.cpu_ms for cost in costs), statistics.median(cost.wall_ms for cost in costs))


def _figures(costs: dict[str, Cost], *, idle: float) -> list[Figure]:
    bare, product = costs[RUNGS[0].name], costs[PRODUCT]
    figures = [
        Figure("CPU added to one run", product.cpu_ms - bare.cpu_ms, "ms", aim=AIM_CPU_MS),
        Figure("wall time added to one run, from its start to its end", product.wall_ms - bare.wall_ms, "ms"),
    ]
    figures += [Figure(f"CPU: {name}", cost.cpu_ms, "ms") for name, cost in costs.items()]
    return [*figures, Figure("CPU of the open product that waits (taken off above)", idle * 1000, "ms/s")]
