"""One trip by its id, for whoever says something of it."""

from __future__ import annotations

from storage.traces.store import TraceStore
from triage.domain.measures import TripRow


class TripLookup:
    """Finds single trips."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def find_trip(self, trip_id: str) -> TripRow | None:
        """Return the trip whose span has this id, without the guardrail's words, or None."""
        found = self._store.records(
            """
            select trip.*, runs.conversation_id, runs.status, runs.category, runs.customer_email, runs.excerpt
            from (
                select trace_id, span_id, run_id, coalesce(guardrail, name) as guardrail, stage, verdict,
                    started_at as at, duration_ms
                from spans where span_id = $trip_id and kind = 'guardrail' and triggered limit 1
            ) trip
            left join runs using (trace_id)
            """,
            {"trip_id": trip_id},
        )
        return TripRow(reason=None, **found[0]) if found else None
