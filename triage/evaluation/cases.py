"""Evaluation cases: messages with what a guardrail should say of them, made of trips that a person marked."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Collection, Iterator
from typing import Any

from triage.access.actions import Action, require
from triage.audit.entries import add_entry
from triage.domain import Actor, Case, Judgement, Run, TripMark, text_hash, utc_now
from triage.errors import Conflict
from triage.gateway import Gateway, Stores

# The words by which guardrails let something through: the input check says what a message is, the others just that.
_LET_THROUGH = {"input": "support"}
_PASSED = "passed"


class CaseService:
    """The evaluation cases, one for each text and guardrail."""

    def __init__(self, *, records: Gateway) -> None:
        self._records = records

    def add_from_trip(self, trip_id: str, *, actor: Actor) -> Case:
        """Make a case of a marked trip; of one that is a case already, return it.

        Raises:
            NotAllowed: the actor is no manager.
            Conflict: the trip is not marked, its message is gone, or a case of the same text expects something else.
        """
        require(actor, Action.CASES_MAKE)
        with self._records.begin() as tx:
            mark = tx.marks.find(trip_id)
            if mark is None:
                raise Conflict("Mark the trip as right or wrong first: the case has to know what to expect.")
            run = tx.runs.find(mark.run_id) if mark.run_id else None
            if run is None:
                raise Conflict("The message of this trip is no longer kept, so it cannot become a case.")
            made = _case_of(mark, run, actor=actor)
            kept = tx.cases.add(made)
            if kept.expected_verdict != made.expected_verdict:
                raise Conflict(
                    f"{kept.created_by} made a case of the same text, which expects {kept.expected_verdict!r}. "
                    "Mark the trip that it came from first."
                )
            if kept.id == made.id:
                add_entry(tx, "case.added", actor=actor, subject=("case", kept.id), after=_said(kept))
        return kept

    def of_trips(self, trip_ids: Collection[str]) -> dict[str, Case]:
        """Return the cases that were made of these trips, by trip."""
        with self._records.read() as tx:
            found = tx.cases.list_of_trips(trip_ids)
        return {case.source_trip_id: case for case in found}

    def list(self) -> builtins.list[Case]:
        """Return all cases, oldest first."""
        with self._records.read() as tx:
            return tx.cases.list()

    def count(self) -> int:
        """Return how many cases there are."""
        with self._records.read() as tx:
            return tx.cases.count()

    def export(self, *, actor: Actor) -> Iterator[str]:
        """Return the cases as lines of JSON; it is entered into the audit log, as the messages leave the records.

        Raises:
            NotAllowed: the actor is no manager.
        """
        require(actor, Action.CASES_EXPORT)
        found = self.list()
        with self._records.begin() as tx:
            add_entry(tx, "cases.exported", actor=actor, subject=("case", "all"), after={"cases": len(found)})
        return (case.model_dump_json() + "\n" for case in found)


def follow_mark(tx: Stores, mark: TripMark) -> None:
    """Let the case that was made of a trip expect what its mark says now."""
    for case in tx.cases.list_of_trips([mark.id]):
        tx.cases.update(case.id, expected_verdict=_expected(mark), note=mark.note)


def _case_of(mark: TripMark, run: Run, *, actor: Actor) -> Case:
    return Case(
        id=f"case_{secrets.token_hex(6)}",
        message=run.message,
        message_hash=text_hash(run.message),
        guardrail=mark.guardrail,
        stage=mark.stage,
        expected_verdict=_expected(mark),
        note=mark.note,
        source_trip_id=mark.id,
        source_run_id=run.id,
        created_by=actor.name,
        created_at=utc_now(),
    )


def _expected(mark: TripMark) -> str:
    if mark.judgement is Judgement.RIGHT:
        return mark.verdict
    return _LET_THROUGH.get(mark.stage, _PASSED)


def _said(case: Case) -> dict[str, Any]:
    return {
        "guardrail": case.guardrail,
        "expected_verdict": case.expected_verdict,
        "trip": case.source_trip_id,
        "run": case.source_run_id,
    }
