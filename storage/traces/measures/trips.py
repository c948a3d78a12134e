"""One trip by its id, for whoever says something of it."""

from __future__ import annotations

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
            select trip.* exclude (trace_key), runs.run_id, runs.conversation_id, runs.status, runs.category,
                runs.customer_email, runs.excerpt
            from (
                select trace_key, trace_id, span_id, part_no, guardrail, stage, verdict, started_at as at, duration_ms
                from checks where span_id = $trip_id and triggered limit 1
            ) trip
            left join runs on runs.trace_key = trip.trace_key
            """,
            {"trip_id": trip_id},
        )
        if not found:
            return None
        (trip,) = found
        return TripRow(reason=self._reason(trip_id, part_no=trip.pop("part_no")), **trip)

    def _reason(self, trip_id: str, *, part_no: int) -> str | None:
        """Return what the guardrail said; the part says where in the large table its words are."""
        kept = self._store.rows(
            "select content from span_contents where part_no = $part_no and span_id = $trip_id",
            {"part_no": part_no, "trip_id": trip_id},
        )
        said = orjson.loads(kept[0][0]).get("reason") if kept and kept[0][0] else None
        return str(said) if said else None
