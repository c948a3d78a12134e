"""The sample records that come with the first start, and how they go."""

from __future__ import annotations

from triage.domain import Actor
from triage.runs.records import Gateway


class SampleService:
    """Sample accounts and orders: enough to try everything, gone with one click."""

    def __init__(self, *, records: Gateway) -> None:
        self._records = records

    def count(self) -> int:
        """Return how many sample records there are."""
        with self._records.read() as tx:
            count: int = tx.samples.count()
        return count

    def remove(self, *, actor: Actor) -> int:
        """Remove the sample records for good and return how many there were."""
        with self._records.begin() as tx:
            removed: int = tx.samples.remove()
        return removed
