"""The whole product on a model server: real records, engine, traces and client; only the model is ours."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from tests.servers.model_brain import offline_brain
from tests.servers.model_script import Brain, Failed, ModelRequest, Reply, Step
from tests.servers.model_server import ModelServer
from tests.servers.model_wire import Frame
from triage.domain import Actor, EventKind, Role, Run, RunEvent, RunStatus
from triage.services import Services, open_services
from triage.settings import Settings, load_settings

LONGEST_S = 30.0
OPERATOR = Actor(name="olga", role=Role.OPERATOR)
REVIEWER = Actor(name="rita", role=Role.REVIEWER)

TEAM_MODEL, WRITER_MODEL, CHECK_MODEL = "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano"


def until(found: Callable[[], bool], *, what: str) -> None:
    """Wait for something that another thread or process does; it fails loudly instead of hanging."""
    deadline = time.monotonic() + LONGEST_S
    while not found():
        assert time.monotonic() < deadline, f"It never happened: {what}."
        time.sleep(0.01)


class WatchedServer(ModelServer):
    """A model server that notices when the client hangs up in the middle of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.hung_up = threading.Event()

    def reset(self) -> None:
        super().reset()
        self.hung_up.clear()

    async def _play(self, step: Reply | Failed, frames: Iterator[Frame]) -> AsyncIterator[str]:
        try:
            async for text in super()._play(step, frames):
                yield text
        except (asyncio.CancelledError, GeneratorExit):
            self.hung_up.set()
            raise


def first_from(model: str, *steps: Step) -> Brain:
    """A brain that answers the first requests to ``model`` with ``steps`` and leaves the rest to the offline engine."""
    left = list(steps)

    def brain(request: ModelRequest) -> Step:
        return left.pop(0) if request.model == model and left else offline_brain(request)

    return brain


def always_from(models: set[str], step: Step) -> Brain:
    """A brain in which ``models`` only ever give ``step``."""

    def brain(request: ModelRequest) -> Step:
        return step if request.model in models else offline_brain(request)

    return brain


class Product:
    """Services on one data folder, talking to one model server."""

    def __init__(self, server: WatchedServer, **overrides: Any) -> None:
        self.server = server
        connection: dict[str, Any] = {"openai_api_key": "test-key", "openai_base_url": server.base_url}
        self.settings: Settings = load_settings(**connection, **overrides)
        self.services: Services = open_services(self.settings, kind="test")

    def close(self) -> None:
        self.services.close()

    def reopen(self) -> None:
        """Open the same folder again, as the next start of the console does."""
        self.services = open_services(self.settings, kind="test")

    def submit(self, message: str, **sent: Any) -> Run:
        return self.services.runs.submit(message, actor=OPERATOR, **sent)

    def settled(self, run: Run) -> Run:
        """Return the run when it has ended or waits for a person."""

        def done() -> bool:
            status = self.services.runs.get(run.id).status
            return status.is_final or status is RunStatus.AWAITING_APPROVAL

        until(done, what=f"the end of {run.id}")
        return self.services.runs.get(run.id)

    def run(self, message: str, **sent: Any) -> Run:
        return self.settled(self.submit(message, **sent))

    def idle(self) -> None:
        """Wait until the process works on nothing any more."""
        segments = self.services.segments
        assert segments is not None
        until(lambda: not segments.running, what="the end of the last segment")

    def events(self, run: Run, kind: EventKind | None = None) -> list[RunEvent]:
        return [event for event in self.services.runs.events(run.id) if kind in (None, event.kind)]

    def kinds(self, run: Run) -> list[EventKind]:
        return [event.kind for event in self.events(run)]

    def shown_text(self, run: Run) -> str:
        """Return what a page shows of the reply while it is written: the live text, else the kept one."""
        text = ""
        for event in self.events(run):
            if event.kind is EventKind.TEXT_RESTARTED:
                text = ""
            elif event.kind is EventKind.TEXT_DELTA:
                text += event.payload["text"]
        live = self.services.runs.live_text(run.id)
        return "".join(live.values()) if live else text

    def spans(self, run: Run, where: str = "true") -> list[dict[str, Any]]:
        """Return the rows of the run's trace, in the order of their start."""
        assert self.services.traces is not None
        self.services.settle_traces()
        return self.services.traces.records(
            f"select * from span_rows where trace_id = $trace_id and {where} order by started_at",
            {"trace_id": run.trace_id},
        )

    def recorded_run(self, run: Run) -> dict[str, Any]:
        """Return the run's row in the trace store."""
        self.spans(run)
        assert self.services.traces is not None
        [row] = self.services.traces.records("select * from runs where run_id = $run_id", {"run_id": run.id})
        return row
