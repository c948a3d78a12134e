"""What the trace store has already, for those who tell others what is new."""

from __future__ import annotations

from collections.abc import Collection

from storage.traces.store import TraceStore


class KnownTraces:
    """Looks up spans and runs by their ids."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def ended_runs(self, run_ids: Collection[str]) -> set[str]:
        """Return those of the runs that are known to have ended."""
        found = self._store.rows(
            "select run_id from runs where ended_at is not null and list_contains($run_ids, run_id)",
            {"run_ids": list(run_ids)},
        )
        return {run_id for (run_id,) in found}

    def spans(self, trace_ids: Collection[str]) -> set[tuple[str, str]]:
        """Return the trace and span ids of all spans of the traces."""
        found = self._store.rows(
            "select trace_id, span_id from spans where list_contains($trace_ids, trace_id)",
            {"trace_ids": list(trace_ids)},
        )
        return {(trace_id, span_id) for trace_id, span_id in found}
