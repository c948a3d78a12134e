"""Importing a file of messages: each usable line becomes a run, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from triage.domain import Actor, Run, utc_now
from triage.errors import InvalidInput
from triage.runs.message_file import ImportRow, LineError, Parsed, read_messages

__all__ = ["ImportReport", "ImportRow", "LineError", "Parsed", "import_messages", "read_messages", "wrong_lines"]


@dataclass(frozen=True)
class ImportReport:
    """What became of an import; ``errors`` stand in the order of the file."""

    accepted: int
    already_there: int
    errors: list[LineError]


class Intake(Protocol):
    """The part of the run service that an import needs."""

    def submit(
        self,
        message: str,
        *,
        actor: Actor,
        customer_email: str | None = None,
        account_id: str | None = None,
        conversation_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """Accept a message."""


def import_messages(
    runs: Intake, parsed: Parsed, *, actor: Actor, on_progress: Callable[[int, int], None] | None = None
) -> ImportReport:
    """Submit the rows of a file; the same file again adds nothing, because each of its lines has a key of its own.

    ``on_progress`` is called after each row with the number of rows done and of all rows.
    """
    errors = list(parsed.errors)
    accepted = 0
    for done, row in enumerate(parsed.rows, start=1):
        try:
            accepted += _submit(runs, row, key=f"import:{parsed.digest}:{row.line}", actor=actor)
        except InvalidInput as error:
            errors.append(LineError(row.line, str(error), row.source))
        if on_progress is not None:
            on_progress(done, len(parsed.rows))
    refused = len(errors) - len(parsed.errors)
    return ImportReport(
        accepted=accepted,
        already_there=len(parsed.rows) - accepted - refused,
        errors=sorted(errors, key=lambda error: error.line),
    )


def wrong_lines(parsed: Parsed, errors: Sequence[LineError]) -> bytes:
    """Return the wrong lines as a file of the same kind, to be mended and imported again."""
    lines = [parsed.header] if parsed.header else []
    return "\n".join([*lines, *(error.source for error in errors), ""]).encode()


def _submit(runs: Intake, row: ImportRow, *, key: str, actor: Actor) -> bool:
    """Submit a row and return whether that made a new run."""
    before = utc_now()
    run = runs.submit(
        row.message,
        actor=actor,
        customer_email=row.email,
        account_id=row.account,
        conversation_id=row.conversation,
        idempotency_key=key,
    )
    return run.created_at >= before
