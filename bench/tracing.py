"""How much tracing costs: the calling thread's time per finished span, and how fast spans become queryable."""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from pathlib import Path

from agents.tracing import function_span, generation_span, set_trace_provider, trace

from storage.traces.store import TraceStore
from triage.scope import RunScope, enter_scope
from triage.tracing import RunTraceProvider, install
from triage.tracing.processor import SpoolingProcessor

SPANS_FOR_CALLER = 4_000
SPANS_FOR_RATE = 40_000
# One call in four is a model call, as in a run of three model calls and two tools with its agent, turns and guardrails.
SPANS_PER_MODEL_CALL = 4
REPEATS = 5
PRICED_MODEL = "gpt-5.4-mini"

MESSAGES = [
    {"role": "system", "content": "You classify support requests and search the knowledge base first. " * 8},
    {"role": "user", "content": "Our invoices have not been generated since yesterday evening. " * 8},
]
ANSWER = [{"role": "assistant", "content": "I have looked at the billing schedule of the account. " * 6}]
ARGUMENTS = '{"query": "invoices are not generated", "max_results": 5}'
RESULT = "Billing / Invoices / Schedules: an invoice is made on the first day of the period. " * 18


def finish_span(number: int) -> None:
    """Start and finish one span with about 1.5 kB of content."""
    if number % SPANS_PER_MODEL_CALL:
        with function_span("search_knowledge_base", input=ARGUMENTS) as tool:
            tool.span_data.output = RESULT
        return
    usage = {"input_tokens": 900 + number, "output_tokens": 120, "input_tokens_details": {"cached_tokens": 512}}
    with generation_span(input=MESSAGES, model=PRICED_MODEL) as call:
        call.span_data.output, call.span_data.usage = ANSWER, usage


def microseconds_per_span(*, traced: bool) -> float:
    """Return the calling thread's median time for a span, with our processor or without any.

    No store is attached: this is the caller's own work, without the background thread's share of the interpreter.
    """
    with tempfile.TemporaryDirectory() as folder:
        if traced:
            install(SpoolingProcessor(Path(folder), sink=None))
        else:
            set_trace_provider(RunTraceProvider())
        enter_scope(RunScope(run_id="bench"))
        times = []
        with trace("bench"):
            for _ in range(REPEATS):
                started = time.perf_counter()
                for number in range(SPANS_FOR_CALLER):
                    finish_span(number)
                times.append((time.perf_counter() - started) / SPANS_FOR_CALLER * 1e6)
    return statistics.median(times)


def until_queryable() -> dict[str, float]:
    """Write spans as fast as one thread can and wait until the store counts them all."""
    with tempfile.TemporaryDirectory() as folder:
        store = TraceStore.open(Path(folder) / "traces.duckdb")
        processor = SpoolingProcessor(Path(folder) / "spool", sink=store)
        install(processor)
        started = time.perf_counter()
        with trace("bench"):
            for number in range(SPANS_FOR_RATE):
                finish_span(number)
        written = time.perf_counter() - started
        assert processor.flush(timeout_s=120)
        queryable = time.perf_counter() - started
        kept = store.rows("select count(*), count(distinct span_id), count(cost_usd) from spans")[0]
        processor.shutdown()
        store.close()
    assert kept[:2] == (SPANS_FOR_RATE, SPANS_FOR_RATE), f"spans lost or doubled: {kept}"
    return {
        "spans per second until queryable": SPANS_FOR_RATE / queryable,
        "us per finished span while the store works": written / SPANS_FOR_RATE * 1e6,
        "spans lost": float(SPANS_FOR_RATE - kept[0]),
    }


def measure() -> dict[str, float]:
    """Return the figures by name."""
    gc.collect()
    bare = microseconds_per_span(traced=False)
    traced = microseconds_per_span(traced=True)
    return {
        "us per finished span, SDK without processor": bare,
        "us per finished span, with tracing": traced,
        "us per finished span added by tracing": traced - bare,
        **until_queryable(),
    }


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<50} {value:12.1f}")
