"""What people say of guardrails: whether a trip was right, that a blocked message may run, and cases made of both."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from triage.domain.base import Value


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text, which stands for exactly these characters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Judgement(StrEnum):
    """What a person says of a trip: the guardrail was right to stop it, or wrong."""

    RIGHT = "right"
    WRONG = "wrong"


class TripMark(Value):
    """What a person said of one trip; ``id`` is the trip's, the id of its span.

    Guardrail, stage, verdict and time are the trip's and are kept here, because traces are removed earlier.
    """

    id: str
    run_id: str | None
    guardrail: str
    stage: str
    verdict: str
    tripped_at: datetime
    judgement: Judgement
    note: str = ""
    marked_by: str
    marked_at: datetime


class Precision(Value):
    """How many of a guardrail's trips were marked as right and as wrong."""

    guardrail: str
    right: int = 0
    wrong: int = 0

    @property
    def marked(self) -> int:
        """How many were marked at all."""
        return self.right + self.wrong

    @property
    def share(self) -> float | None:
        """The share of marked trips that were right, from 0 to 1; None where none is marked."""
        return self.right / self.marked if self.marked else None


class Release(Value):
    """A person's decision that a blocked message runs all the same, once, as the run ``released_run_id``.

    It lifts the block of ``guardrail`` only, and only for the text whose hash is ``message_hash``.
    """

    run_id: str
    released_run_id: str
    guardrail: str
    verdict: str
    message_hash: str
    reason: str
    released_by: str
    released_at: datetime

    def lifts(self, guardrail: str, *, message: str) -> bool:
        """Whether the guardrail has to let this message through."""
        return guardrail == self.guardrail and text_hash(message) == self.message_hash


class Case(Value):
    """A message and what a guardrail should say of it, for evaluations; one per text and guardrail.

    ``expected_verdict`` is the verdict of the trip where it was right, else the word for letting it through.
    """

    id: str
    message: str
    message_hash: str
    guardrail: str
    stage: str
    expected_verdict: str
    note: str = ""
    source_trip_id: str
    source_run_id: str
    created_by: str
    created_at: datetime
