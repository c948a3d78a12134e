"""The traces page: its list over a history, and one trace of two thousand steps of which some say a megabyte."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from streamlit.testing.v1 import AppTest

from bench.approvals import CONSOLE, console
from bench.figures import Figure
from bench.history import Plan, write
from pages.components.trace_home import read_page
from pages.components.trace_reading import forget_read
from pages.components.waterfall import rows_of
from triage.domain import utc_now
from triage.services import Services

RUNS = 6_000
TURNS = 200
STEPS_A_TURN = 9
BIG_EVERY = 20
BIG_BYTES = 1_000_000
USUAL_BYTES = 1_500
PAGE_RUNS = 15
AIM_MS = 300.0
AIM_KB = 500.0
TRACE = "trace_of_the_benchmark"


def measure(*, runs: int = RUNS, turns: int = TURNS, page_runs: int = PAGE_RUNS) -> list[Figure]:
    """Run the page's script on the list and on the long trace, and count what the tree sends."""
    with console() as running:
        _fill(running, runs=runs, turns=turns)
        assert running.trace_queries is not None
        spans = running.trace_queries.spans(TRACE, with_content=False)
        sent = len(orjson.dumps(rows_of(spans))) / 1000
        listed = [*_scripts(page_runs, is_cold=True, columns="when,message,status,agents,tools,cost", time="all")]
        first = [*_scripts(page_runs, is_cold=True, trace=TRACE)]
        again = [*_scripts(page_runs, trace=TRACE, span=_span_id(5, 1))]
    return [
        Figure(f"script of the list, {runs:,} runs", statistics.median(listed) * 1000, "ms", aim=AIM_MS),
        Figure(
            f"script of a trace, {len(spans):,} steps, read anew", statistics.median(first) * 1000, "ms", aim=AIM_MS
        ),
        Figure("the same after a click, read a moment ago", statistics.median(again) * 1000, "ms", aim=AIM_MS),
        Figure(f"sent for the tree of {len(spans):,} steps, once", sent, "kB", aim=AIM_KB),
    ]


def _scripts(count: int, *, is_cold: bool = False, **address: str) -> Iterator[float]:
    """Yield how long the frame and the page take, apart from the first time."""
    page = AppTest.from_file(str(CONSOLE), default_timeout=60)
    page.run()
    page.switch_page("traces.py")
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    for _ in range(count):
        if is_cold:
            read_page.clear()
            forget_read()
        began = time.perf_counter()
        page.run()
        yield time.perf_counter() - began
        assert not page.exception


def _fill(running: Services, *, runs: int, turns: int) -> None:
    assert running.traces is not None
    write(running.traces, Plan(runs=runs, until=utc_now()))
    start = utc_now() - timedelta(hours=1)
    lines = [_line(turn, step, start=start) for turn in range(turns) for step in range(STEPS_A_TURN + 1)]
    running.traces.insert_batch(span_lines=lines, price=_free, segment="bench", offset=1)


def _free(_: list[dict[str, Any]]) -> None:
    """Price no call: the long trace has none of a model."""


def _line(turn: int, step: int, *, start: datetime) -> bytes:
    """Return a step of the long trace as the spool has it; step 0 is the agent that holds the others of its turn."""
    size = BIG_BYTES if step == 1 and turn % BIG_EVERY == 0 else USUAL_BYTES
    begin = start + timedelta(milliseconds=turn * 900 + max(0, step - 1) * 100)
    end = begin + timedelta(milliseconds=900 if step == 0 else 60)
    row = {
        "trace_id": TRACE, "span_id": _span_id(turn, step), "parent_id": _span_id(turn, 0) if step else None,
        "kind": "tool" if step else "agent", "name": "search_knowledge_base" if step else "Digger", "agent": "Digger",
        "tool": "search_knowledge_base" if step else None, "started_at": begin.isoformat(), "ended_at": end.isoformat(),
        "content": json.dumps({"arguments": {"query": "a b c"}, "result": "found " * (size // 6)}),
    }  # fmt: skip
    return json.dumps(row).encode() + b"\n"


def _span_id(turn: int, step: int) -> str:
    return f"span_{turn:012}{step:012}"
