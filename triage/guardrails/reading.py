"""What the trace store tells of guardrails, for people who look at it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from triage.domain.measures import GuardrailUse, TripBucket, TripPage, TripRow
from triage.domain.traces import TimeRange
from triage.errors import DataFolderError, NotFound, TriageError
from triage.gateway import TraceQueries

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class GuardrailFigures:
    """What each guardrail did in a time range, its trips by bucket, and the names of all guardrails there ever were."""

    uses: list[GuardrailUse]
    trips: list[TripBucket]
    known: tuple[str, ...]


class GuardrailReading:
    """Reads checks and trips; ``traces`` is None where this process has no trace store.

    Raises:
        DataFolderError: the trace store cannot be read.
        NotFound: this process has no trace store.
    """

    def __init__(self, traces: TraceQueries | None) -> None:
        self._traces = traces

    def figures(self, time_range: TimeRange, *, step: timedelta) -> GuardrailFigures:
        """Return what each guardrail did, and the trips by bucket."""
        with self._reading() as traces:
            return GuardrailFigures(
                uses=traces.guardrails.use(time_range),
                trips=traces.guardrails.trips_over_time(time_range, step=step),
                known=tuple(traces.choices().guardrails),
            )

    def trips(
        self,
        time_range: TimeRange,
        *,
        guardrails: tuple[str, ...] = (),
        verdicts: tuple[str, ...] = (),
        among: Collection[str] | None = None,
        without: Collection[str] = (),
        limit: int = 50,
        offset: int = 0,
    ) -> TripPage:
        """Return one page of the trips, newest first; ``among`` and ``without`` choose and leave out single ones."""
        with self._reading() as traces:
            return traces.guardrails.list_trips(
                time_range,
                guardrails=guardrails,
                verdicts=verdicts,
                among=among,
                without=without,
                limit=limit,
                offset=offset,
            )

    def get(self, trip_id: str) -> TripRow:
        """Return a trip.

        Raises:
            NotFound: it is not, or no longer, in the trace store.
        """
        with self._reading() as traces:
            trip = traces.trips.find_trip(trip_id)
        if trip is None:
            raise NotFound("This trip is not in the traces, or no longer; load the page again.")
        return trip

    @contextmanager
    def _reading(self) -> Iterator[TraceQueries]:
        if self._traces is None:
            raise NotFound("Trips can be read and marked in the console only, which has the traces.")
        try:
            yield self._traces
        except TriageError:
            raise
        except Exception as error:
            log.warning("trace_store_unreadable", error=type(error).__name__)
            raise DataFolderError(
                "The trace store cannot be read. python -m triage doctor says what is wrong with it."
            ) from error
