"""Sign-ins: how the people who sign in come in, and how long it lasts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from triage.domain.base import Value


class SignInState(StrEnum):
    """What became of a sign-in; one that was ended never begins again."""

    OPEN = "open"
    REFUSED = "refused"
    ENDED = "ended"


class SignIn(Value):
    """One sign-in of one person, in all tabs of the browser that it was done in.

    ``id`` is made of what the provider says of the sign-in, so that the same one is recognised after a restart.
    """

    id: str
    person: str
    state: SignInState
    began_at: datetime
    ends_at: datetime
    changed_at: datetime
