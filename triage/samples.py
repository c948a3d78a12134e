"""The sample records that a new console starts with, and how they go."""

from __future__ import annotations

from triage.domain import Actor, Role
from triage.roles import require
from triage.runs.gateway import Gateway


class SampleService:
    """Counts and removes the sample accounts and orders."""

    def __init__(self, records: Gateway) -> None:
        self._records = records

    def count(self) -> int:
        """Return how many sample accounts and orders there are."""
        with self._records.read() as tx:
            count: int = tx.samples.count()
        return count

    def remove(self, *, actor: Actor) -> int:
        """Delete the samples for good and return how many went; they do not come back with the next start.

        Raises:
            NotAllowed: the actor is not a manager.
        """
        require(actor, Role.MANAGER, action="remove the sample records")
        with self._records.begin() as tx:
            removed: int = tx.samples.remove()
        return removed
