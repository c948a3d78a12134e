"""Places in lists: a cursor is where a list goes on, whatever came or went before it meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime

from triage.errors import InvalidInput

_REFUSAL = "The cursor is not one of this list. Send next_cursor as it came, with the same filters."
_PARTS = 3


def cursor_of(kind: str, at: datetime | None, last_id: str) -> str:
    """Return the cursor of the place after a record; ``kind`` names the list and its order."""
    text = json.dumps([kind, at.isoformat() if at else None, last_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(kind: str, cursor: str) -> tuple[datetime | None, str]:
    """Return the time and the id that a cursor stands for.

    Raises:
        InvalidInput: it is not a cursor of this list.
    """
    try:
        read = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not (isinstance(read, list) and len(read) == _PARTS and read[0] == kind and isinstance(read[2], str)):
            raise InvalidInput(_REFUSAL)
        # JSON takes half characters and times that no calendar has in UTC; databases do not.
        read[2].encode()
        at = _moment(read[1]) if read[1] is not None else None
    except (binascii.Error, ValueError, TypeError, RecursionError, OverflowError):
        raise InvalidInput(_REFUSAL) from None
    if "\x00" in read[2]:
        raise InvalidInput(_REFUSAL)
    return at, read[2]


def place_in_time(kind: str, cursor: str | None) -> tuple[datetime, str] | None:
    """Return the place that a cursor of a list by time stands for; None without one, at the beginning.

    Raises:
        InvalidInput: it is not a cursor of this list.
    """
    if cursor is None:
        return None
    at, last_id = place_of(kind, cursor)
    if at is None:
        raise InvalidInput(_REFUSAL)
    return at, last_id


def _moment(written: str) -> datetime:
    at = datetime.fromisoformat(written)
    if at.tzinfo is None:
        raise InvalidInput(_REFUSAL)
    return at.astimezone(UTC)
