"""Ends a model call that has fallen silent.

``asyncio.timeout`` would do, but for two things: to put its end off with each event of a stream takes longer than all
else that is done with one, and when the event loop is held up, by a locked database for one, it ends the call before
what has arrived meanwhile is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# A look that comes so much too late says that the loop was held up; so long there is then to read what has arrived.
LATE_S = 0.5


class Silence:
    """How long a model has said nothing; ``ends`` is made to end when that is ``longest_s``."""

    def __init__(self, ends: asyncio.Timeout, longest_s: float) -> None:
        self._ends = ends
        self._longest_s = longest_s
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._look_at(self._heard_at + longest_s)

    def heard(self) -> None:
        """Begin to count anew."""
        self._heard_at = self._loop.time()

    def stop(self) -> None:
        """Look no more."""
        self._next.cancel()

    def _look_at(self, when: float) -> None:
        self._next = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if now > self._next.when() + LATE_S:
            self._look_at(now + LATE_S)
        elif now < (ends_at := self._heard_at + self._longest_s):
            self._look_at(ends_at)
        else:
            self._ends.reschedule(now)


@asynccontextmanager
async def unless_silent(longest_s: float) -> AsyncIterator[Silence]:
    """Let a call go on for as long as it is heard of.

    Raises:
        TimeoutError: nothing was heard of it for ``longest_s``.
    """
    async with asyncio.timeout(None) as ends:
        silence = Silence(ends, longest_s)
        try:
            yield silence
        finally:
            silence.stop()
