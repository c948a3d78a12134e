"""How long after a submit somebody who watches sees something: the first event, and the first one by the agents."""

from __future__ import annotations

import statistics
import time

from bench.desk import LONGEST_WAIT_S, open_desk, submit, wait_for
from bench.figures import Figure
from bench.script import Scripts
from triage.domain import EventKind, Run
from triage.services import Services

RUNS = 30
WARM_UP_RUNS = 3
LOOK_EVERY_S = 0.002
BEFORE_THE_AGENTS = {EventKind.RUN_QUEUED, EventKind.RUN_STARTED}


def measure(*, runs: int = RUNS) -> list[Figure]:
    """Submit one message after the other, each when the one before has ended, and watch it as a page does."""
    scripts = Scripts()
    scripts.add_runs(runs + WARM_UP_RUNS)
    visible, by_agents = [], []
    with open_desk(scripts) as services:
        wait_for(services, submit(services, WARM_UP_RUNS))
        for _ in range(runs):
            begun = time.perf_counter()
            (run,) = submit(services)
            visible.append(_until(services, run, ignored=set()) - begun)
            by_agents.append(_until(services, run, ignored=BEFORE_THE_AGENTS) - begun)
            wait_for(services, [run])
    return [
        Figure("submit to first visible event", statistics.median(visible) * 1000, "ms"),
        Figure("submit to first event by the agents", statistics.median(by_agents) * 1000, "ms"),
    ]


def _until(services: Services, run: Run, *, ignored: set[EventKind]) -> float:
    """Return the moment at which the log first shows an event of another kind than the ignored ones."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not any(event.kind not in ignored for event in services.runs.events(run.id)):
        assert time.monotonic() < deadline, "No event came."
        time.sleep(LOOK_EVERY_S)
    return time.perf_counter()
