"""Who is signed in: from what the provider says of a person to who acts, asked at each thing that they do.

A browser keeps its sign-in for 30 days, and other tabs of it know nothing of a sign-out. So each sign-in is kept here:
one that was ended stays ended for every tab, every browser that has a copy of its cookie, and after a restart.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from triage.access.people import PeopleService
from triage.audit.entries import SYSTEM, add_entry
from triage.domain import Actor, SignIn, SignInState, utc_now
from triage.errors import NotAllowed, NotSignedIn
from triage.gateway import Gateway

OVER = "Your sign-in is over. Sign in again to go on."
NOBODY = "Nobody is signed in. Sign in to go on."
NO_PROXY = "The proxy in front of this console names nobody. Sign in there, and load this page again."
# Clocks differ; a sign-in from further ahead than this was made up, or a clock is wrong.
_AHEAD = timedelta(minutes=5)
# For how long the state of a sign-in is believed: a page asks many times while it is drawn.
_BELIEVED = timedelta(seconds=1)
_MOST_BELIEVED = 1000
_LONGEST_NAME = 120
# What makes a sign-in a different one from the next of the same person.
_MARKS = ("iss", "sub", "email", "iat", "nonce", "sid")


class Person(NamedTuple):
    """Somebody who is signed in: who acts, the name to show, and when the sign-in ends, where the console ends it."""

    actor: Actor
    shown_name: str
    ends_at: datetime | None


class _Span(NamedTuple):
    """One sign-in: its id and from when to when it counts."""

    id: str
    began_at: datetime
    ends_at: datetime


class SignInService:
    """Tells who is signed in and ends sign-ins; for many threads.

    ``hours`` is how long a sign-in lasts, None as long as the provider says (the claim ``exp``).
    """

    def __init__(self, *, records: Gateway, people: PeopleService, hours: float | None) -> None:
        self._records = records
        self._people = people
        self._hours = hours
        self._lock = threading.Lock()
        self._believed: dict[str, tuple[datetime, SignInState | None]] = {}

    def person(self, claims: Mapping[str, Any], *, now: datetime | None = None) -> Person:
        """Return who is signed in with these claims, which the provider signed.

        The first time, and whenever somebody loses or gets back a role, the audit log gets an entry.

        Raises:
            NotSignedIn: the sign-in is over, was ended, or says too little of itself.
            NotAllowed: nobody has given this person a role; says whom to ask.
            SettingsError: the file of people cannot be used.
        """
        if not claims:
            raise NotSignedIn(NOBODY)
        at = now or utc_now()
        span = self._span(claims)
        return self._person(claims, span, at=at)._replace(ends_at=span.ends_at)

    def person_behind(self, headers: Mapping[str, Any], *, now: datetime | None = None) -> Person:
        """Return who a proxy says is signed in, by its headers; the audit log gets an entry per person and day.

        Raises:
            NotSignedIn: the proxy names nobody.
            NotAllowed: nobody has given this person a role; says whom to ask.
            SettingsError: the file of people cannot be used.
        """
        claims = {name: _parts(name, value) for name, value in headers.items() if value}
        if not claims:
            raise NotSignedIn(NO_PROXY)
        at = now or utc_now()
        day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        span = _Span(_id_of({**claims, "iat": int(day.timestamp()), "iss": "proxy"}), day, day + timedelta(days=1))
        return self._person(claims, span, at=at)

    def end(self, claims: Mapping[str, Any]) -> None:
        """End a sign-in for every tab and browser that has it; one that is over has nothing to end."""
        try:
            span = self._span(claims)
            actor = self._people.actor_from_claims(claims)
        except NotSignedIn:
            return
        except NotAllowed:
            actor = SYSTEM
        self._note(claims, span, actor, SignInState.ENDED, at=utc_now())

    def _person(self, claims: Mapping[str, Any], span: _Span, *, at: datetime) -> Person:
        if not span.began_at - _AHEAD <= at < span.ends_at:
            raise NotSignedIn(OVER)
        known = self._state(span.id, at=at)
        if known is SignInState.ENDED:
            raise NotSignedIn(OVER)
        try:
            actor = self._people.actor_from_claims(claims)
        except NotAllowed:
            if known is not SignInState.REFUSED:
                self._note(claims, span, SYSTEM, SignInState.REFUSED, at=at)
            raise
        if known is not SignInState.OPEN and not self._note(claims, span, actor, SignInState.OPEN, at=at):
            raise NotSignedIn(OVER)
        return Person(actor, _shown_name(claims, actor), None)

    def _span(self, claims: Mapping[str, Any]) -> _Span:
        began = _number(claims, "iat")
        ends = _number(claims, "exp") if self._hours is None or began is None else began + self._hours * 3600
        if began is None or ends is None:
            raise NotSignedIn("The sign-in does not say when it began and ends; ask an administrator of the console.")
        try:
            return _Span(_id_of(claims), datetime.fromtimestamp(began, UTC), datetime.fromtimestamp(ends, UTC))
        except (OverflowError, ValueError, OSError):
            raise NotSignedIn(OVER) from None

    def _state(self, sign_in_id: str, *, at: datetime) -> SignInState | None:
        with self._lock:
            believed = self._believed.get(sign_in_id)
        if believed is not None and timedelta(0) <= at - believed[0] < _BELIEVED:
            return believed[1]
        with self._records.read() as tx:
            found = tx.sign_ins.find(sign_in_id)
        state = None if found is None else found.state
        self._believe(sign_in_id, state, at=at)
        return state

    def _believe(self, sign_in_id: str, state: SignInState | None, *, at: datetime) -> None:
        with self._lock:
            if len(self._believed) >= _MOST_BELIEVED:
                self._believed.clear()
            self._believed[sign_in_id] = (at, state)

    def _note(self, claims: Mapping[str, Any], span: _Span, actor: Actor, state: SignInState, *, at: datetime) -> bool:
        """Keep the state and enter it into the audit log; False if the sign-in was ended before."""
        person = actor.email or _address(claims)
        sign_in = SignIn(
            id=span.id, person=person, state=state, began_at=span.began_at, ends_at=span.ends_at, changed_at=at
        )
        with self._records.begin() as tx:
            if tx.sign_ins.add(sign_in) or tx.sign_ins.set_state(span.id, state, at=at):
                until = span.ends_at.isoformat(timespec="seconds")
                add_entry(
                    tx,
                    _ENTRIES[state],
                    actor=actor,
                    subject=("sign_in", span.id),
                    after={"person": person, "ends_at": until},
                )
            kept = tx.sign_ins.get(span.id)
        self._believe(span.id, kept.state, at=at)
        return kept.state is state


_ENTRIES = {
    SignInState.OPEN: "sign_in.begun",
    SignInState.REFUSED: "sign_in.refused",
    SignInState.ENDED: "sign_in.ended",
}


def _id_of(claims: Mapping[str, Any]) -> str:
    """Return the id of a sign-in, the same for each time that its claims come."""
    marks = json.dumps([str(claims.get(name)) for name in _MARKS])
    return f"sig_{hashlib.sha256(marks.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _address(claims: Mapping[str, Any]) -> str:
    return " ".join(str(claims.get("email") or "unknown").split())[:_LONGEST_NAME]


def _shown_name(claims: Mapping[str, Any], actor: Actor) -> str:
    name = claims.get("name")
    text = " ".join(name.split()) if isinstance(name, str) else ""
    return (text or actor.name)[:_LONGEST_NAME]


def _parts(name: str, value: Any) -> Any:
    """Return the value of a header; several groups come in one, separated by commas."""
    text = str(value)
    return text if name in ("email", "name") or "," not in text else [part.strip() for part in text.split(",")]
