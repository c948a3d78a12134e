"""The durable steps of a segment, kept beside the records.

A step's outcome is written when it is finished; when a killed segment starts again, finished steps return what they
returned then. Steps are known by name and the order within that name, so work that runs side by side under different
names (a guardrail beside the team) keeps its identity. docs/decisions/0003 says why these are not DBOS steps.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from triage.errors import OutcomeUnknown

# Steps that change something outside of the run: stopping a run lets the one at work come to its end and be kept.
ACTS = "tool:"
BEGUN = " begun"


class StepLog(Protocol):
    """Where outcomes are kept."""

    def keep(self, run_id: str, segment: int, key: str, outcome: Any) -> None:
        """Keep one outcome; it is on disk when this returns."""


class RecordedSteps:
    """Runs each step of one segment once; ``recorded`` are the outcomes of an earlier attempt by step key."""

    def __init__(self, log: StepLog, *, run_id: str, segment: int, recorded: Mapping[str, Any]) -> None:
        self._log = log
        self._run_id = run_id
        self._segment = segment
        self._recorded = dict(recorded)
        self._count: Counter[str] = Counter()
        self._acting: set[asyncio.Future[Any]] = set()

    async def run(self, name: str, work: Callable[[], Awaitable[Any]], *, once: bool = False) -> Any:
        """Return the recorded outcome of this step, or do the work and keep its outcome.

        ``once`` is for work that must not be done a second time, because nothing can say whether it was done: that it
        begins is kept as well.

        Raises:
            OutcomeUnknown: such work had begun when the segment was killed, and its outcome was not kept.
        """
        key = f"{name}#{self._count[name]}"
        self._count[name] += 1
        if key in self._recorded:
            return self._recorded[key]
        if once:
            if f"{key}{BEGUN}" in self._recorded:
                raise OutcomeUnknown("The program stopped while this was being done.")
            self._log.keep(self._run_id, self._segment, f"{key}{BEGUN}", None)
        if not name.startswith(ACTS):
            return await self._work(key, work)
        acting = asyncio.ensure_future(self._work(key, work))
        self._acting.add(acting)
        acting.add_done_callback(self._acting.discard)
        return await asyncio.shield(acting)

    def is_kept(self, name: str) -> bool:
        """Return whether the next step of this name has a recorded outcome."""
        return f"{name}#{self._count[name]}" in self._recorded

    async def settle(self) -> None:
        """Return when no tool is at work any more: what it does cannot be stopped, only awaited."""
        if self._acting:
            await asyncio.wait(self._acting)

    async def _work(self, key: str, work: Callable[[], Awaitable[Any]]) -> Any:
        outcome = await work()
        self._log.keep(self._run_id, self._segment, key, outcome)
        return outcome
