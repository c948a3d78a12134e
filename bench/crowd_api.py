"""Many clients of the HTTP API at once, on the offline engine: none refused, none lost; times and memory."""

from __future__ import annotations

import asyncio
import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import psutil
import uvicorn
from starlette.applications import Starlette

from bench.desk import open_desk
from bench.figures import Figure
from triage.api.app import ApiPlace
from triage.domain import Actor, Role
from triage.llm.offline import OfflineModel
from triage.services import Services

CLIENTS = 200
MESSAGE = "How do I export my data as CSV?"
LONGEST_S = 600.0
MIB = 2**20
ADMIN = Actor(name="benchmark", role=Role.ADMIN)


def measure(*, clients: int = CLIENTS) -> list[Figure]:
    """Submit a message from every client at one moment, follow every run to its end, and count what came."""
    with _without_pace(), open_desk() as services, _served(services) as url:
        _, secret = services.tokens.create(name="benchmark", role=Role.OPERATOR, actor=ADMIN)
        asyncio.run(_crowd(url, secret, clients=1))
        before = psutil.Process().memory_info().rss
        took = asyncio.run(_crowd(url, secret, clients=clients))
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
        Figure("memory more than before", (after - before) / MIB, "MiB", note="clients in the same process"),
    ]


class _Took:
    """What the crowd saw."""

    def __init__(self) -> None:
        self.submits: list[float] = []
        self.firsts: list[float] = []
        self.refused = 0
        self.lost = 0
        self.wall = 0.0


async def _crowd(url: str, secret: str, *, clients: int) -> _Took:
    took = _Took()
    limits = httpx2.Limits(max_connections=None)
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx2.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=LONGEST_S, trust_env=False
    ) as http:
        begun = time.perf_counter()
        await asyncio.gather(*(_one(http, took) for _ in range(clients)))
        took.wall = time.perf_counter() - begun
    return took


async def _one(http: httpx2.AsyncClient, took: _Took) -> None:
    """Be one client: submit a message and follow its run to the end."""
    begun = time.perf_counter()
    accepted = await http.post("/api/support/triage", json={"message": MESSAGE})
    took.submits.append(time.perf_counter() - begun)
    if accepted.status_code not in (200, 202):
        took.refused += 1
        return
    run_id = accepted.json()["run"]["id"]
    numbers: list[int] = []
    status = ""
    begun = time.perf_counter()
    async with http.stream("GET", f"/api/runs/{run_id}/events") as stream:
        if stream.status_code != 200:
            took.refused += 1
            return
        async for line in stream.aiter_lines():
            if line.startswith("id: "):
                numbers.append(int(line[4:]))
                if len(numbers) == 1:
                    took.firsts.append(time.perf_counter() - begun)
            elif line.startswith("data: ") and '"status"' in line:
                status = str(json.loads(line[6:]).get("status", status))
    if numbers != list(range(1, len(numbers) + 1)) or status != "completed":
        took.lost += 1


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
