"""Whose turn it is to work between two model calls: a few runs at a time, in the order in which their answers came.

An event loop gives every run that can go on a little of its time, so that of fifty runs whose answers come together
each asks its next question late, and the models wait. With turns the first ones ask while the others still wait.
"""

from __future__ import annotations

import asyncio

# Two, so that one which waits for the disk does not leave the processor idle.
AT_ONCE = 2
# A tool that waits for another system must not keep the others from their work.
LONGEST_TURN_S = 0.1


class Turns:
    """The turns of all segments of one event loop."""

    def __init__(self, *, at_once: int = AT_ONCE, longest_s: float = LONGEST_TURN_S) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._longest_s = longest_s

    def turn(self) -> Turn:
        """Return the turn of one segment, not yet taken."""
        return Turn(self._free, self._longest_s)


class Turn:
    """The turn of one segment. It gives itself back after a while, so it orders work and never stops it."""

    def __init__(self, free: asyncio.Semaphore, longest_s: float) -> None:
        self._free = free
        self._longest_s = longest_s
        self._end: asyncio.TimerHandle | None = None
        self._is_waiting = False

    async def take(self) -> None:
        """Wait for the turn; returns at once where the segment has it, or another task of it waits for it."""
        if self._end is not None or self._is_waiting:
            return
        self._is_waiting = True
        try:
            await self._free.acquire()
        finally:
            self._is_waiting = False
        self._end = asyncio.get_running_loop().call_later(self._longest_s, self.give)

    def give(self) -> None:
        """Let another segment work; does nothing where the turn is not taken."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
            self._free.release()
