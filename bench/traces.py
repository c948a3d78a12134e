"""How fast the trace store answers at scale: every question of the overview, every filter of the list, one trace.

The history is made in one child process and measured in another, so that memory is that of reading only.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil

from bench.figures import Figure, number
from bench.history.scenarios import PROMISES_NAME
from storage.traces.queries import TraceQueries
from storage.traces.store import TraceStore
from triage.domain.traces import MeasureFilter, TimeRange, TraceFilter
from triage.measures.service import MeasureService
from triage.measures.topics import Question

REPEATS = 5
DAY = timedelta(days=1)
Ask = Callable[[], Any]
Taken = tuple[float, float]
"""Milliseconds: of wall time, and of the process's CPU time."""


def measure(spans: int) -> list[Figure]:
    """Make a history of about so many spans in a temporary folder and return what reading it takes."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        _child("-m", "bench", "history", "--spans", str(spans), "--data-dir", folder)
        made_s = time.monotonic() - began
        found = json.loads(_child("-m", "bench.traces", folder))
    return [*_figures(found, spans), Figure("making the history", made_s, "s")]


def _child(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout  # noqa: S603


def _figures(found: dict[str, Any], spans: int) -> list[Figure]:
    """Return what was found, times with the aims for so many spans."""
    is_large = spans > 2_000_000
    aims = {"overview": 2_000 if is_large else 400, "list": 500 if is_large else 150, "one trace": 50}
    figures = []
    for name, value in found.items():
        if isinstance(value, list):
            wall, cpu = value
            aim = next((aim for start, aim in aims.items() if name.startswith(start)), None)
            figures.append(Figure(name, wall, "ms", aim=aim, note=f"{number(cpu)} ms of CPU"))
        else:
            unit = "" if name == "spans" else "us" if name.endswith("per span") else "MB"
            figures.append(Figure(name, value, unit, aim=1_000 if name.startswith("memory") else None))
    return figures


def questions(queries: TraceQueries, question: Question) -> dict[str, Ask]:
    """Return what the overview asks the trace store, by its parts, each with the period before."""
    # What people decided is in the records, which are not made up here.
    records: Any = None
    service = MeasureService(traces=queries, records=records)
    return {
        name: lambda part=part: part(question)
        for name, part in {
            "head": service.head,
            "runs": service.runs,
            "cost": service.costs,
            "handoffs": service.handoffs,
            "tools and models": service.tools,
        }.items()
    }


def guardrail_questions(queries: TraceQueries, question: Question) -> Ask:
    """Return what the guardrails page asks the trace store, all together."""
    part, asked = queries.guardrails, (question.time_range, question.chosen)
    return lambda: (part.use(*asked), part.trips_over_time(*asked, step=question.step), part.list_trips(*asked))


def filters(time_range: TimeRange, *, customer: str, conversation: str) -> dict[str, TraceFilter]:
    """Return the filters of the list, each alone and some together."""
    given: dict[str, dict[str, Any]] = {
        "none": {},
        "status": {"statuses": ("failed", "blocked")},
        "agent": {"agents": ("Billing specialist",)},
        "model": {"models": ("house-model",)},
        "tool": {"tools": ("process_refund",)},
        "guardrail": {"guardrails": (PROMISES_NAME,)},
        "category": {"categories": ("billing",)},
        "customer": {"customer": customer},
        "conversation": {"conversation_id": conversation},
        "cost": {"min_cost_usd": Decimal("0.01"), "max_cost_usd": Decimal("0.02")},
        "duration": {"min_active_ms": 8_000},
        "with error": {"has_error": True},
        "without error": {"has_error": False},
        "text, a common word": {"text": "refund"},
        "text, a rare word": {"text": "kakalo"},
        "text, three words": {"text": "duplicate charge webcam"},
        "text, an order": {"text": "ORD-123456"},
        "text, in nothing": {"text": "Xylophonkonzert"},
        "model, category and text": {"models": ("gpt-5.4",), "categories": ("technical",), "text": "invoice"},
    }
    return {name: TraceFilter(time_range=time_range, **values) for name, values in given.items()}


def _time(ask: Ask) -> Taken:
    """Return the median of wall time and the least CPU time, after a first reading that does not count.

    Other work on the machine only ever adds to either, to wall time by far the most.
    """
    ask()
    walls, cpus = [], []
    for _ in range(REPEATS):
        began, cpu_began = time.perf_counter(), time.process_time()
        ask()
        walls.append((time.perf_counter() - began) * 1000)
        cpus.append((time.process_time() - cpu_began) * 1000)
    return statistics.median(walls), min(cpus)


def _together(taken: Iterable[Taken]) -> Taken:
    walls, cpus = zip(*taken, strict=True)
    return sum(walls), sum(cpus)


def read(folder: Path) -> dict[str, float | Taken]:
    """Return the milliseconds that each reading of a store takes, warm, and the memory that all of it took."""
    before = psutil.Process().memory_info().rss / 1e6
    store = TraceStore.open(folder / "traces.duckdb")
    queries = TraceQueries(store)
    began = time.monotonic()
    while store.index_words():
        pass
    indexed_s = time.monotonic() - began
    until = store.records("select max(created_at) as at from runs")[0]["at"]
    time_range = TimeRange.last(timedelta(days=30), until=until + timedelta(seconds=1))
    ((spans,),) = store.rows("select count(*) from spans")
    found: dict[str, float | Taken] = {"spans": spans, "size per million spans": _size(folder) / spans * 1e6}
    for name, chosen in {
        "no filter": MeasureFilter(),
        "one model": MeasureFilter(models=("gpt-5.4",)),
        "one category": MeasureFilter(categories=("billing",)),
    }.items():
        question = Question(time_range=time_range, chosen=chosen, step=DAY)
        took = {part: _time(ask) for part, ask in questions(queries, question).items()}
        found[f"overview, all questions together, {name}"] = _together(took.values())
        found |= {f"  {part}, {name}": value for part, value in took.items()}
    everything_asked = Question(time_range=time_range, chosen=MeasureFilter(), step=DAY)
    found["guardrails page"] = _time(guardrail_questions(queries, everything_asked))
    if indexed_s > 1:
        found["making the word index, us per span"] = indexed_s / spans * 1e6
    customer, conversation = store.rows("select customer_email, conversation_id from runs limit 1 offset 100")[0]
    for name, wanted in filters(time_range, customer=customer, conversation=conversation).items():
        found[f"list, {name}"] = _time(lambda wanted=wanted: queries.find(wanted))
    everything = TraceFilter(time_range=time_range)
    found["list, by cost"] = _time(lambda: queries.find(everything, sort="cost_usd"))
    found["list, all time, no filter"] = _time(lambda: queries.find(TraceFilter()))
    total = queries.find(everything, limit=1).total
    found["list, the page in the middle"] = _time(lambda: queries.find(everything, offset=total // 2))
    found["list, its choices"] = _time(queries.choices)
    found |= _one_trace(store, queries, everything)
    found["memory after all this"] = psutil.Process().memory_info().rss / 1e6
    found["memory at its most"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    found["memory of it before the store was opened"] = before
    store.close()
    return found


def _one_trace(store: TraceStore, queries: TraceQueries, everything: TraceFilter) -> dict[str, Taken]:
    """Return the time for traces of every age, the slowest counting, and for one that waited long."""
    ids = [found[0] for found in store.rows("select trace_id from runs order by created_at")]
    some = ids[:: max(1, len(ids) // 20)]
    slowest = max(_time(lambda trace_id=trace_id: queries.spans(trace_id)) for trace_id in some)
    ((waited,),) = store.rows("select trace_id from runs order by waiting_ms desc nulls last limit 1")
    return {
        "one trace with its words, the slowest of 21": slowest,
        "one trace that waited for days": _time(lambda: queries.spans(waited)),
        "one trace, its row of figures": _time(lambda: queries.find_summary(ids[len(ids) // 2])),
        "one trace, the one before and after in the list": _time(lambda: queries.neighbours(ids[9], everything)),
    }


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure an existing store.")
    parser.add_argument("folder", type=Path)
    print(json.dumps(read(parser.parse_args().folder), indent=1))
