"""The durable engine: takes waiting segments, oldest first, and runs each as a workflow on DBOS.

The records are the queue. A run that is ``queued`` waits for its next segment, whoever queued it in whichever process;
the owner of the data folder looks for such runs when it is told of one and a few times a second. The workflow of a
segment has an id that comes from run and segment, so it is started once, and DBOS takes it up again after a kill.
docs/decisions/0004 says why this is not a DBOS queue.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import structlog
import uvloop
from dbos import DBOS, DBOSConfig, SetWorkflowID

from triage.gateway import News
from triage.runs.dbos_in_place import work_in_place
from triage.runs.dbos_pace import AT_START_S, look_seldom_for_deadlines, look_seldom_for_recovered
from triage.runs.dbos_statements import compile_once
from triage.runs.queue import WaitingSegment

APP_NAME = "triage"
WORKFLOW = "run_segment"
# DBOS takes up again only workflows of its own version. Ours changes when a stored segment can no longer be replayed.
WORKFLOW_VERSION = "1"
# How long a run that another process queued waits at most before it is seen.
LOOK_EVERY_S = 0.25
# We send nothing through DBOS, but closing waits until its listener has slept this long, else a second.
LISTENER_SLEEPS_S = 0.1

log = structlog.get_logger(__name__)

RunSegment = Callable[[str, int], Awaitable[str]]


class DurableEngine:
    """Works on waiting segments, at most ``max_concurrent_runs`` at a time, in an event loop of its own."""

    def __init__(self, database: Any, *, news: News, max_concurrent_runs: int, executor_id: str = "owner") -> None:
        self._database = database
        self._news = news
        self._max_concurrent_runs = max_concurrent_runs
        self._executor_id = executor_id
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._may_leave_some = False
        self._running: set[WaitingSegment] = set()
        self._started: set[WaitingSegment] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def launch(self, run_segment: RunSegment, *, waiting: Callable[[int], Sequence[WaitingSegment]]) -> None:
        """Start working; unfinished segments of a killed process are taken up first.

        ``waiting`` returns up to a number of segments, the one that waits longest first, and none whose conversation
        has another run at work: the second message must find what came of the first.
        """
        ready: Future[None] = Future()

        def work() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._work(run_segment, waiting, ready))

        self._thread = threading.Thread(target=work, name="durable-engine", daemon=True)
        self._thread.start()
        ready.result()

    @property
    def is_working(self) -> bool:
        """Whether what waits is taken up."""
        return self._loop is not None and self._thread is not None and self._thread.is_alive()

    def wake(self) -> None:
        """Look for waiting segments now."""
        if self._loop is not None:
            # A loop that closes at this moment has nothing to be woken for: the next launch looks by itself.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake.set)

    def close(self) -> None:
        """Stop; segments that are running are taken up again by the next launch."""
        if self._loop is None or self._thread is None:
            return
        loop, self._loop = self._loop, None
        loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    async def _work(
        self,
        run_segment: RunSegment,
        waiting: Callable[[int], Sequence[WaitingSegment]],
        ready: Future[None],
    ) -> None:
        """Be the engine's thread: launch DBOS in this loop, dispatch until closed."""
        try:
            launched, workflow = self._launch_dbos(run_segment)
        except BaseException as error:  # noqa: BLE001 - the caller of ``launch`` gets it
            ready.set_exception(error)
            return
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(AT_START_S, look_seldom_for_recovered, launched)
        dispatcher = asyncio.create_task(self._dispatch(workflow, waiting))
        ready.set_result(None)
        await self._closing.wait()
        dispatcher.cancel()
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)

    def _launch_dbos(self, run_segment: RunSegment) -> tuple[Any, Any]:
        """Return DBOS, launched, and the workflow."""
        config: DBOSConfig = {
            "name": APP_NAME,
            "system_database_url": self._database.url.render_as_string(hide_password=False),
            "system_database_engine": self._database,
            "application_version": WORKFLOW_VERSION,
            "executor_id": self._executor_id,
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": LISTENER_SLEEPS_S,
            "run_migrations": True,
        }
        look_seldom_for_deadlines()
        launched = DBOS(config=config)

        @DBOS.workflow(name=WORKFLOW)
        async def segment_workflow(run_id: str, segment: int) -> str:
            taken = WaitingSegment(run_id, segment)
            self._running.add(taken)
            try:
                return await run_segment(run_id, segment)
            finally:
                self._running.discard(taken)
                if self._may_leave_some:
                    self._wake.set()

        DBOS.launch()
        compile_once(launched)
        work_in_place(launched)
        return launched, segment_workflow

    async def _dispatch(self, workflow: Any, waiting: Callable[[int], Sequence[WaitingSegment]]) -> None:
        while True:
            self._wake.clear()
            try:
                await self._start(workflow, waiting(self._max_concurrent_runs))
            except Exception as error:  # noqa: BLE001 - a database that does not answer now must not end the work for good
                log.warning("no_segments_taken", error=type(error).__name__)
                self._news.forget()
            await self._until_a_look_is_due()

    async def _until_a_look_is_due(self) -> None:
        """Wait until somebody says that a run was queued, or something was changed, perhaps by another process."""
        while not self._wake.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
            if self._news.any():
                return

    async def _start(self, workflow: Any, waiting: Sequence[WaitingSegment]) -> None:
        self._may_leave_some = len(waiting) == self._max_concurrent_runs
        # What was started and waits no longer is at work or has ended, here or on another machine.
        self._started.intersection_update(waiting)
        for segment in waiting:
            busy = self._started | self._running
            if len(busy) >= self._max_concurrent_runs:
                return
            if segment in busy:
                continue
            with SetWorkflowID(f"{segment.run_id}:{segment.segment}"):
                await DBOS.start_workflow_async(workflow, segment.run_id, segment.segment)
            self._started.add(segment)
