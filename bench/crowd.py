"""Many runs at once on a model that takes its time: how near their end comes to the ideal, the calls of one run."""

from __future__ import annotations

import statistics
import time

import psutil

from bench.desk import open_desk, submit, wait_for
from bench.figures import Figure
from bench.model_process import model_server
from bench.script import MODEL_CALLS

RUNS = 50
DELAY_MS = 1000
AIM_TIMES_IDEAL = 1.3
KEY = "benchmark"


def measure(*, runs: int = RUNS, delay_ms: int = DELAY_MS) -> list[Figure]:
    """Submit all runs at one moment and wait for the last, against a model server in another process."""
    ideal_s = MODEL_CALLS * delay_ms / 1000
    with (
        model_server(delay_ms=delay_ms) as (url, server),
        open_desk(openai_api_key=KEY, openai_base_url=url, max_concurrent_runs=runs) as services,
    ):
        # The first run opens the client and loads what is loaded late.
        wait_for(services, submit(services))
        own, other = time.process_time(), _cpu_s(server)
        begun = time.perf_counter()
        accepted = submit(services, runs)
        submitted = time.perf_counter() - begun
        ended = wait_for(services, accepted, every_s=0.25)
        own, other = time.process_time() - own, _cpu_s(server) - other
        wall = max(run.ended_at for run in ended) - min(run.created_at for run in ended)  # type: ignore[type-var,operator]
        waits = [(run.started_at - run.created_at).total_seconds() for run in ended]  # type: ignore[operator]
        assert all(not run.degraded and run.usage.requests == MODEL_CALLS for run in ended)
    return [
        Figure(
            f"{runs} runs at once, model {delay_ms} ms: wall time / ideal",
            wall.total_seconds() / ideal_s,
            "times",
            aim=AIM_TIMES_IDEAL,
        ),
        Figure("wall time from the first submit to the last end", wall.total_seconds(), "s", note=f"ideal {ideal_s} s"),
        Figure("submitting them", submitted, "s"),
        Figure("median wait from submit to start", statistics.median(waits), "s"),
        Figure("CPU of the product meanwhile", own, "s"),
        Figure("CPU of the model server meanwhile", other, "s"),
    ]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
