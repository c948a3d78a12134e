"""A worker that kills itself at a named point; the product has no such points, they are put in from outside.

``python -m tests.kill.victim POINT`` drains the queue like ``python -m triage worker --drain`` and dies with SIGKILL
when the point is reached. The ids of finished spans are written to ``spans.txt`` in the data folder as they finish.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from agents.tracing import get_trace_provider
from agents.tracing.processor_interface import TracingProcessor

from triage.cli import app as command_line
from triage.cli import opening
from triage.runs.event_log import RunEvents
from triage.runs.records import RunRecords
from triage.runs.steps import RecordedSteps
from triage.settings import load_settings


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class SpanNotebook(TracingProcessor):
    """Writes the id of each span after the product's own processor has seen its end."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def on_span_end(self, span: Any) -> None:
        os.write(self._file, f"{span.span_id}\n".encode())

    def on_span_start(self, span: Any) -> None: ...

    def on_trace_start(self, trace: Any) -> None: ...

    def on_trace_end(self, trace: Any) -> None: ...

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...


def install(point: str) -> None:
    """Put the point in: ``before|inside|after:STEP#N``, ``text:N``, ``finish``, ``finished`` or ``none``."""
    kind, _, place = point.partition(":")
    if kind in ("before", "inside", "after"):
        _around_step(kind, place)
    elif kind == "text":
        _at_text(int(place))
    elif kind in ("finish", "finished"):
        _around_finish(kind)


def _around_step(kind: str, place: str) -> None:
    run_step, keep = RecordedSteps.run, RunRecords.keep

    async def run(self: Any, name: str, work: Callable[[], Awaitable[Any]], *, once: bool = False) -> Any:
        key = f"{name}#{self._count[name]}"
        if kind == "before" and key == place:
            die()

        async def dying() -> Any:
            outcome = await work()
            if kind == "inside" and key == place:
                die()
            return outcome

        return await run_step(self, name, dying, once=once)

    def keep_and_die(self: Any, run_id: str, segment: int, key: str, outcome: Any) -> None:
        keep(self, run_id, segment, key, outcome)
        if kind == "after" and key == place:
            die()

    RecordedSteps.run, RunRecords.keep = run, keep_and_die  # type: ignore[method-assign]


def _at_text(number: int) -> None:
    text, seen = RunEvents.text, [0]

    def count(self: Any, source: str, delta: str) -> None:
        text(self, source, delta)
        seen[0] += 1
        if seen[0] == number:
            self._log.flush(self._run_id)
            die()

    RunEvents.text = count  # type: ignore[method-assign]


def _around_finish(kind: str) -> None:
    finish = RunRecords.finish_segment

    def dying(self: Any, *arguments: Any, **named: Any) -> Any:
        if kind == "finish":
            die()
        finish(self, *arguments, **named)
        die()

    RunRecords.finish_segment = dying  # type: ignore[method-assign]


def main() -> None:
    install(sys.argv[1])
    notebook = SpanNotebook(str(load_settings().data_dir / "spans.txt"))
    open_services = opening.open_services

    def open_with_notebook(*arguments: Any, **named: Any) -> Any:
        services = open_services(*arguments, **named)
        get_trace_provider().register_processor(notebook)
        return services

    opening.open_services = open_with_notebook
    sys.argv = ["triage", "worker", "--drain"]
    command_line.main()


if __name__ == "__main__":
    main()
