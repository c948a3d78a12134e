"""The durable engine: the queue of segments and the workflow that runs them, on DBOS.

DBOS keeps its tables in the same database as the records, so accepting a message and queueing its work is one
transaction. In one data folder one process launches the engine; the others only enqueue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from dbos import DBOS, DBOSClient, DBOSConfig

APP_NAME = "triage"
QUEUE = "runs"
WORKFLOW = "run_segment"
# DBOS takes up again only workflows of its own version. Ours changes when a stored segment can no longer be replayed.
WORKFLOW_VERSION = "1"
POLL_S = 0.2

log = structlog.get_logger(__name__)

RunSegment = Callable[[str, int], Awaitable[str]]


class WorkQueue(Protocol):
    """Takes segments to be run."""

    def enqueue(self, connection: Any, *, run_id: str, segment: int, conversation_id: str) -> None:
        """Queue a segment within the caller's transaction."""


class DurableEngine:
    """DBOS, launched or only written to."""

    def __init__(self, database: Any, *, max_concurrent_runs: int, executor_id: str = "owner") -> None:
        self._database = database
        self._max_concurrent_runs = max_concurrent_runs
        self._executor_id = executor_id
        self._client: DBOSClient | None = None
        self._launched = False

    def migrate(self) -> None:
        """Make the engine's tables, so that a process which only enqueues finds them."""
        DBOS.migrate(self._url)

    def launch(self, run_segment: RunSegment) -> None:
        """Start working on the queue; unfinished segments of a killed process are taken up first."""
        config: DBOSConfig = {
            "name": APP_NAME,
            "system_database_url": self._url,
            "system_database_engine": self._database,
            "application_version": WORKFLOW_VERSION,
            "executor_id": self._executor_id,
            "log_level": "ERROR",
            "run_migrations": True,
        }
        DBOS(config=config)

        @DBOS.workflow(name=WORKFLOW)
        async def segment_workflow(run_id: str, segment: int) -> str:
            return await run_segment(run_id, segment)

        DBOS.launch()
        self._launched = True
        # One segment at a time in a conversation: the second message must find what came of the first.
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._max_concurrent_runs,
            partition_concurrency=1,
            polling_interval_sec=POLL_S,
        )

    def enqueue(self, connection: Any, *, run_id: str, segment: int, conversation_id: str) -> None:
        """Queue a segment in the transaction of ``connection``; the same segment twice is queued once."""
        if self._client is None:
            self._client = DBOSClient(
                system_database_url=self._url, system_database_engine=self._database, application_name=APP_NAME
            )
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": f"{run_id}:{segment}",
                "queue_partition_key": conversation_id,
                "app_version": WORKFLOW_VERSION,
            },
            run_id,
            segment,
        )

    def close(self) -> None:
        """Stop; segments that are running are taken up again by the next launch."""
        if self._client is not None:
            self._client.destroy()
            self._client = None
        if self._launched:
            DBOS.destroy(destroy_registry=True)
            self._launched = False

    @property
    def _url(self) -> str:
        return str(self._database.url.render_as_string(hide_password=False))
