"""What the routes work with: the services, a bounded number of threads for them, and what is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from triage.access.seen import Seen
from triage.api.limits import Crowd, StreamSeats
from triage.domain import Actor
from triage.runs.following import RunFollower
from triage.services import Services

if TYPE_CHECKING:
    from triage.api.metrics import Metrics

# Services wait for the disk and for each other's write transactions; more threads would only wait there.
THREADS = 16

T = TypeVar("T")


@dataclass
class ApiDesk:
    """The parts of the API that all requests share."""

    services: Services
    follower: RunFollower
    crowd: Crowd
    seats: StreamSeats
    metrics: Metrics = field(init=False)
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(THREADS))

    async def do(self, work: Callable[[], T]) -> T:
        """Do what takes a moment off the event loop, which the pages share."""
        return await anyio.to_thread.run_sync(work, limiter=self.threads)


@dataclass(frozen=True)
class Caller:
    """Who asks, and what that actor may see and do; ``secret`` is the token, asked again while a stream lasts."""

    desk: ApiDesk
    actor: Actor
    secret: str = field(repr=False)

    async def read(self, look: Callable[[Seen], T]) -> T:
        """Read something as this actor sees it."""
        return await self.desk.do(lambda: look(self.desk.services.as_seen_by(self.actor)))

    async def act(self, work: Callable[[Services], T]) -> T:
        """Change something; every change takes the ``actor`` and asks by itself whether it is allowed."""
        return await self.desk.do(lambda: work(self.desk.services))
