"""One trip by its id, for whoever says something of it."""

from __future__ import annotations

from typing import Any

import orjson

from storage.traces.store import TraceStore
from triage.domain.measures import TripRow


class TripLookup:
    """Finds single trips."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def find_trip(self, trip_id: str) -> TripRow | None:
        """Return the trip whose span has this id, with the guardrail's reason where it is kept, or None."""
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
        return TripRow(reason=self._reason(found[0]), **found[0]) if found else None

    def _reason(self, trip: dict[str, Any]) -> str | None:
        kept = self._store.rows(
            "select content from span_contents where span_id = $span_id and started_at = $at",
            {"span_id": trip["span_id"], "at": trip["at"].replace(tzinfo=None)},
        )
        said = orjson.loads(kept[0][0]).get("reason") if kept and kept[0][0] else None
        return str(said) if said else None
