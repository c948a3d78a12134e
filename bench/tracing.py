"""How much tracing costs: the calling thread's time per finished span, and how fast spans become queryable."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from agents.tracing import Span, Trace, TracingProcessor, function_span, generation_span, trace

from storage.traces.store import TraceStore
from triage.scope import RunScope, enter_scope
from triage.tracing import install
from triage.tracing.processor import SpoolingProcessor

SPANS_FOR_CALLER = 4_000
SPANS_FOR_RATE = 40_000
# One call in four is a model call, as in a run of three model calls and two tools with its agent, turns and guardrails.
SPANS_PER_MODEL_CALL = 4
REPEATS = 5
PRICED_MODEL = "gpt-5.4-mini"

CACHED = {"cached_tokens": 512}
MESSAGES = [
    {"role": "system", "content": "You classify support requests and search the knowledge base first. " * 8},
    {"role": "user", "content": "Our invoices have not been generated since yesterday evening. " * 8},
]
ANSWER = [{"role": "assistant", "content": "I have looked at the billing schedule of the account. " * 6}]
ARGUMENTS = '{"query": "invoices are not generated", "max_results": 5}'
RESULT = "Billing / Invoices / Schedules: an invoice is made on the first day of the period. " * 18


class Collector(TracingProcessor):
    """Keeps finished spans, so that only our own work on them is measured afterwards."""

    def __init__(self) -> None:
        self.spans: list[Span[Any]] = []

    def on_trace_start(self, trace: Trace) -> None:
        """Do nothing."""

    def on_trace_end(self, trace: Trace) -> None:
        """Do nothing."""

    def on_span_start(self, span: Span[Any]) -> None:
        """Do nothing."""

    def on_span_end(self, span: Span[Any]) -> None:
        """Keep the span."""
        self.spans.append(span)

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self) -> None:
        """Do nothing."""


def make_spans(count: int) -> list[Span[Any]]:
    """Return finished spans with about 1.5 kB of content each, as a run makes them."""
    collector = Collector()
    install(collector)
    with trace("bench"):
        for number in range(count):
            if number % SPANS_PER_MODEL_CALL:
                with function_span("search_knowledge_base", input=ARGUMENTS) as tool:
                    tool.span_data.output = RESULT
            else:
                usage = {"input_tokens": 900 + number, "output_tokens": 120, "input_tokens_details": CACHED}
                with generation_span(input=MESSAGES, model=PRICED_MODEL) as call:
                    call.span_data.output, call.span_data.usage = ANSWER, usage
    return collector.spans


def microseconds_per_span(spans: list[Span[Any]]) -> float:
    """Return the calling thread's median time from start to end callback of a span, with no store behind the spool."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        processor = SpoolingProcessor(Path(folder), sink=None)
        for _ in range(REPEATS):
            started = time.perf_counter()
            for span in spans:
                processor.on_span_start(span)
                processor.on_span_end(span)
            times.append((time.perf_counter() - started) / len(spans) * 1e6)
        processor.shutdown()
    return statistics.median(times)


def until_queryable(spans: list[Span[Any]]) -> dict[str, float]:
    """Finish spans as fast as one thread can and wait until the store counts them all."""
    with tempfile.TemporaryDirectory() as folder:
        store = TraceStore.open(Path(folder) / "traces.duckdb")
        processor = SpoolingProcessor(Path(folder) / "spool", sink=store)
        started, cpu_started = time.perf_counter(), time.process_time()
        for span in spans:
            processor.on_span_start(span)
            processor.on_span_end(span)
        assert processor.flush(timeout_s=120)
        took, cpu = time.perf_counter() - started, time.process_time() - cpu_started
        kept = store.rows("select count(*), count(distinct span_id), count(cost_usd) from spans")[0]
        processor.shutdown()
        store.close()
    assert kept == (len(spans), len(spans), len(spans) // SPANS_PER_MODEL_CALL), f"lost, doubled or unpriced: {kept}"
    return {
        "spans per second until queryable": len(spans) / took,
        "CPU us per span until queryable": cpu / len(spans) * 1e6,
        "spans lost": float(len(spans) - kept[0]),
    }


def measure() -> dict[str, float]:
    """Return the figures by name, medians of several rounds."""
    enter_scope(RunScope(run_id="bench"))
    spans = make_spans(SPANS_FOR_RATE)
    rounds = [until_queryable(spans) for _ in range(REPEATS)]
    return {
        "us per finished span, with tracing": microseconds_per_span(spans[:SPANS_FOR_CALLER]),
        **{name: statistics.median(found[name] for found in rounds) for name in rounds[0]},
    }


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<50} {value:12.1f}")
