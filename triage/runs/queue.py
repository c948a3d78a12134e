"""The queue of segments. The records are the queue: a run that is ``queued`` waits for its next segment."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class WaitingSegment(NamedTuple):
    """A segment that can be run now."""

    run_id: str
    segment: int


class WorkQueue(Protocol):
    """Is told that a run was queued."""

    def wake(self) -> None:
        """Look for waiting segments now; called after the transaction that queued one. Safe from any thread."""


class ElsewhereQueue:
    """The queue of a process that only hands work over: the owner of the data folder finds it in the records."""

    def wake(self) -> None:
        """Do nothing."""
