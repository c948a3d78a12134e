"""Many clients of the HTTP API at once, on the offline engine: none refused, none lost; times and memory."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import uvicorn
from starlette.applications import Starlette

from bench.crowd_clients import crowd
from bench.desk import open_desk
from bench.figures import Figure
from triage.api.app import ApiPlace
from triage.domain import Actor, Role
from triage.llm.offline import OfflineModel
from triage.services import Services

CLIENTS = 200
MIB = 2**20
ADMIN = Actor(name="benchmark", role=Role.ADMIN)


def measure(*, clients: int = CLIENTS) -> list[Figure]:
    """Submit a message from every client at one moment, follow every run to its end, and count what came."""
    with _without_pace(), open_desk() as services, _served(services) as url:
        _, secret = services.tokens.create(name="benchmark", role=Role.OPERATOR, actor=ADMIN)
        crowd(url, secret, clients=1)
        before = psutil.Process().memory_info().rss
        took = crowd(url, secret, clients=clients)
        after = psutil.Process().memory_info().rss
        counts = services.runs.counts()
    return [
        Figure(f"{clients} clients submit at once: refused", took.refused, "", aim=0),
        Figure(f"{clients} event streams: runs or events lost", took.lost, "", aim=0),
        Figure("runs that did not complete", counts["all"] - counts["completed"], "", aim=0),
        Figure("median time to the answer to a submit", statistics.median(took.submits) * 1000, "ms"),
        Figure("longest time to the answer to a submit", max(took.submits) * 1000, "ms"),
        Figure("median time to the first event", statistics.median(took.firsts) * 1000, "ms"),
        Figure("time to the end of the last stream", took.wall, "s", note="what the runs themselves take"),
        Figure("memory more than before", (after - before) / MIB, "MiB"),
    ]


@contextmanager
def _without_pace() -> Iterator[None]:
    """Let the offline engine write its replies at once: nobody reads along."""
    defaults: dict[str, Any] = OfflineModel.__init__.__kwdefaults__  # type: ignore[assignment]
    kept = defaults["words_per_second"]
    defaults["words_per_second"] = None
    try:
        yield
    finally:
        defaults["words_per_second"] = kept


@contextmanager
def _served(services: Services) -> Iterator[str]:
    """Serve the API from a thread, as the console does beside its pages."""
    place = ApiPlace()
    place.open(services)
    app: Any = Starlette(routes=[place.mount()])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, name="api-server", daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
