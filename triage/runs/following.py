"""Tells coroutines when runs move on: one look at the records serves everybody who waits, and no thread is held.

Runs are changed by the agents, by pages, by other processes and on other machines, so the records are looked at instead
of listening to each of them. Nobody waits: nobody looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol

import structlog

from triage.domain import RunHead
from triage.errors import NotFound

LOOK_EVERY_S = 0.1

log = structlog.get_logger(__name__)


class ReadHeads(Protocol):
    """Looks how far runs are."""

    def __call__(self, run_ids: Collection[str], *, if_news: bool) -> Awaitable[dict[str, RunHead] | None]:
        """Return how far each run is; with ``if_news`` None where nothing has changed since the last look."""


@dataclass(eq=False)
class _Waiter:
    """Somebody who waits for a run to be as ``is_there`` wants it."""

    run_id: str
    is_there: Callable[[RunHead], bool]
    found: asyncio.Future[RunHead | None]


class RunFollower:
    """Lets any number of coroutines of one event loop wait for runs."""

    def __init__(
        self,
        read_heads: ReadHeads,
        *,
        every_s: float = LOOK_EVERY_S,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._read_heads = read_heads
        self._every_s = every_s
        self._is_ending = is_ending
        self._waiting: set[_Waiter] = set()
        self._has_new_waiters = False
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_ending(self) -> bool:
        """Whether the process stops: who waits is told so by None."""
        return self._is_ending()

    async def until(self, run_id: str, is_there: Callable[[RunHead], bool], *, timeout_s: float) -> RunHead | None:
        """Return how far the run is as soon as ``is_there`` says so; None when that takes too long, or this ends.

        Raises:
            NotFound: there is no such run any more.
        """
        waiter = _Waiter(run_id, is_there, asyncio.get_running_loop().create_future())
        self._waiting.add(waiter)
        self._has_new_waiters = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_wanted())
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter.found
        except TimeoutError:
            return None
        finally:
            self._waiting.discard(waiter)

    async def _look_while_wanted(self) -> None:
        while self._waiting:
            if self._is_ending():
                self._answer_all()
                return
            wanted = {waiter.run_id for waiter in self._waiting}
            if_news, self._has_new_waiters = not self._has_new_waiters, False
            try:
                heads = await self._read_heads(wanted, if_news=if_news)
                if heads is not None:
                    self._tell(heads, asked=wanted)
            except Exception as error:  # noqa: BLE001 - one look that fails must not leave everybody waiting
                self._has_new_waiters = True
                log.warning("runs_not_followed", error=type(error).__name__)
            await asyncio.sleep(self._every_s)

    def _tell(self, heads: dict[str, RunHead], *, asked: Collection[str]) -> None:
        for waiter in self._waiting:
            if waiter.found.done() or waiter.run_id not in asked:
                continue
            head = heads.get(waiter.run_id)
            if head is None:
                waiter.found.set_exception(NotFound(f"There is no run {waiter.run_id}."))
            elif waiter.is_there(head):
                waiter.found.set_result(head)

    def _answer_all(self) -> None:
        for waiter in self._waiting:
            if not waiter.found.done():
                waiter.found.set_result(None)
