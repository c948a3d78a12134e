"""The trace store as the work on what is kept sees it: removal, renewal and archives in one object."""

from __future__ import annotations

from pathlib import Path

from storage.traces.parquet import export_traces, import_traces, traces_in
from storage.traces.store import TraceStore
from storage.traces.upkeep import TraceUpkeep
from triage.domain.traces import TraceFilter


class TraceCare(TraceUpkeep):
    """Everything that is done with a store but writing and asking it."""

    def __init__(self, store: TraceStore) -> None:
        super().__init__(store)
        self._archived = store

    def export(self, path: Path, *, wanted: TraceFilter) -> dict[str, int]:
        """Write the traces that a filter chooses into an archive; return how many rows of what."""
        return export_traces(self._archived, path, wanted=wanted)

    def take_in(self, path: Path) -> dict[str, int]:
        """Take in the traces of an archive that the store does not have; return how many rows were new."""
        return import_traces(self._archived, path)

    def traces_in(self, path: Path) -> set[str]:
        """Return the ids of the traces in an archive."""
        return traces_in(path)
