"""The sample records that a new console starts with, and how they go."""

from __future__ import annotations

from triage.access.actions import Action, require
from triage.audit.entries import SYSTEM, add_entry
from triage.domain import Actor, utc_now
from triage.gateway import Gateway


class SampleService:
    """Loads, counts and removes the sample accounts and orders."""

    def __init__(self, records: Gateway) -> None:
        self._records = records

    def load(self) -> int:
        """Add the samples at the first start and return how many were added; later starts add none."""
        with self._records.begin() as tx:
            loaded = tx.samples.load(utc_now())
            if loaded:
                add_entry(tx, "samples.loaded", actor=SYSTEM, subject=("samples", "all"), after={"records": loaded})
        return loaded

    def count(self) -> int:
        """Return how many sample accounts and orders there are."""
        with self._records.read() as tx:
            return tx.samples.count()

    def remove(self, *, actor: Actor) -> int:
        """Delete the samples for good and return how many went; they do not come back with the next start.

        Raises:
            NotAllowed: the actor is not a manager.
        """
        require(actor, Action.SAMPLES_REMOVE)
        with self._records.begin() as tx:
            removed = tx.samples.remove()
            add_entry(tx, "samples.removed", actor=actor, subject=("samples", "all"), before={"records": removed})
        return removed
