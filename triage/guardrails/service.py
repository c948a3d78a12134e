"""Marks on the trips of guardrails, and what they add up to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from triage.access.actions import Action, require
from triage.audit.entries import add_entry, text_mark
from triage.domain import Actor, Judgement, Precision, TripMark, utc_now
from triage.domain.measures import TripPage
from triage.domain.traces import TimeRange
from triage.errors import InvalidInput
from triage.evaluation.cases import follow_mark
from triage.gateway import Gateway
from triage.guardrails.reading import GuardrailReading

MAX_NOTE_CHARS = 1000


class GuardrailService:
    """What reviewers and managers say of trips, and the trips themselves; one is named by the id of its span."""

    def __init__(self, *, records: Gateway, reading: GuardrailReading) -> None:
        self._records = records
        self.reading = reading

    def mark(self, trip_id: str, *, judgement: Judgement, actor: Actor, note: str = "") -> TripMark:
        """Say that a trip was right or wrong, in place of what was said of it before.

        A case that was made of the trip from then on expects what the mark says.

        Raises:
            NotAllowed: the actor is no manager.
            NotFound: the trip is not, or no longer, in the trace store.
            InvalidInput: the note is too long.
        """
        require(actor, Action.GUARDRAILS_MARK)
        trip = self.reading.get(trip_id)
        mark = TripMark(
            id=trip.span_id,
            run_id=trip.run_id,
            guardrail=trip.guardrail,
            stage=trip.stage or "",
            verdict=trip.verdict or "",
            tripped_at=trip.at,
            judgement=judgement,
            note=_clean_note(note),
            marked_by=actor.name,
            marked_at=utc_now(),
        )
        with self._records.begin() as tx:
            before = tx.marks.find(trip_id)
            if before is not None and (before.judgement, before.note) == (mark.judgement, mark.note):
                return before
            tx.marks.put(mark)
            follow_mark(tx, mark)
            add_entry(
                tx,
                "trip.marked",
                actor=actor,
                subject=("trip", trip_id),
                before=_said(before) if before else None,
                after={"guardrail": mark.guardrail, "run": mark.run_id, **_said(mark)},
            )
        return mark

    def trips(self, time_range: TimeRange, *, judged: Collection[Judgement | None] = (), **chosen: Any) -> TripPage:
        """Return one page of the trips, newest first, as ``reading.trips`` does.

        ``judged`` are the marks that the trips may have, None among them for those without one; empty takes them all.
        """
        if not judged:
            return self.reading.trips(time_range, **chosen)
        with self._records.read() as tx:
            marked = tx.marks.judgements(start=time_range.start, end=time_range.end)
        if None in judged:
            others = [trip_id for trip_id, judgement in marked.items() if judgement not in judged]
            return self.reading.trips(time_range, without=others, **chosen)
        wanted = [trip_id for trip_id, judgement in marked.items() if judgement in judged]
        return self.reading.trips(time_range, among=wanted, **chosen)

    def marks(self, trip_ids: Collection[str]) -> dict[str, TripMark]:
        """Return the marks on these trips, by trip."""
        with self._records.read() as tx:
            found = tx.marks.list_among(trip_ids)
        return {mark.id: mark for mark in found}

    def precision(self, time_range: TimeRange) -> dict[str, Precision]:
        """Return by guardrail how many of the trips in the range were marked as right and as wrong."""
        with self._records.read() as tx:
            found = tx.marks.precision(start=time_range.start, end=time_range.end)
        return {item.guardrail: item for item in found}


def _clean_note(note: str) -> str:
    text = note.strip()
    if len(text) > MAX_NOTE_CHARS:
        raise InvalidInput(f"The note has more than {MAX_NOTE_CHARS:,} characters. Say it in a few sentences.")
    return text


def _said(mark: TripMark) -> dict[str, Any]:
    return {"judgement": mark.judgement.value, "note": text_mark(mark.note or None)}
