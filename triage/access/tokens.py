"""Tokens: what programs sign in with. A secret is shown once; what is kept cannot be turned back into it."""

from __future__ import annotations

import builtins
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from triage.access.actions import RULES, Action, has_role, may, require
from triage.access.token_form import SECRET
from triage.audit.entries import SYSTEM, add_entry
from triage.domain import DEFAULT_TEAM, Actor, Role, Token, utc_now
from triage.errors import Conflict, InvalidInput, NotAllowed, NotSignedIn
from triage.gateway import Gateway

NOT_SIGNED_IN = "Send a valid token: Authorization: Bearer tri_…"
MAX_NAME_CHARS = 60
MAX_TOKENS = 500
# A program's name in audit log and approvals; no person's name begins like this.
PROGRAM_PREFIX = "token:"
_TEAM = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
# What a secret is compared with when its token is unknown, so that the answer takes the same time.
_NO_DIGEST = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
_NOTE_USE_EVERY = timedelta(minutes=1)
_AUDIT_USE_EVERY = timedelta(hours=1)
_AUDIT_REFUSAL_EVERY = timedelta(minutes=1)


class TokenService:
    """Makes, lists and revokes tokens, for administrators, and tells who signs in with one; for many threads."""

    def __init__(self, *, records: Gateway) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._refused_at: dict[str, datetime] = {}

    def create(
        self,
        *,
        name: str,
        role: Role,
        actor: Actor,
        scopes: Collection[str] | None = None,
        team: str = DEFAULT_TEAM,
        expires_at: datetime | None = None,
    ) -> tuple[Token, str]:
        """Make a token and return it with its secret, which is never shown again.

        Raises:
            NotAllowed: the actor is not an administrator, or may not do something that the token could.
            InvalidInput: the name, a scope, the team or the end cannot be used.
            Conflict: a token with this name is in use, or there are too many.
        """
        require(actor, Action.TOKENS_CHANGE)
        now = utc_now()
        number = secrets.token_hex(6)
        token = Token(
            id=f"tok_{number}",
            name=_name(name),
            role=role,
            scopes=_scopes(scopes, role=role, actor=actor),
            team=clean_team(team),
            created_by=actor.name,
            created_at=now,
            expires_at=_end(expires_at, now=now),
        )
        secret = f"tri_{number}_{secrets.token_urlsafe(32)}"
        with self._records.begin() as tx:
            live = [other for other in tx.tokens.list() if other.is_live(now)]
            if any(other.name == token.name for other in live):
                raise Conflict(f"There is a token named {token.name} already; revoke it, or choose another name.")
            if len(live) >= MAX_TOKENS:
                raise Conflict(f"There are {MAX_TOKENS} tokens; revoke one before you make another.")
            tx.tokens.add(token, digest=_digest(secret))
            add_entry(tx, "token.created", actor=actor, subject=("token", token.id), after=_kept(token))
        return token, secret

    def list(self, *, actor: Actor) -> builtins.list[Token]:
        """Return all tokens, revoked ones included, newest first."""
        require(actor, Action.TOKENS_CHANGE)
        with self._records.read() as tx:
            return tx.tokens.list()

    def revoke(self, token_id: str, *, actor: Actor) -> Token:
        """End a token: the next request with it is refused.

        Raises:
            NotAllowed: the actor is not an administrator.
            NotFound: there is no such token.
        """
        require(actor, Action.TOKENS_CHANGE)
        with self._records.begin() as tx:
            before = tx.tokens.get(token_id)
            if before.revoked_at is not None:
                return before
            after = tx.tokens.update(token_id, revoked_at=utc_now(), revoked_by=actor.name)
            add_entry(tx, "token.revoked", actor=actor, subject=("token", token_id), before=_kept(before))
        return after

    def authenticate(self, secret: str | None, *, now: datetime | None = None) -> Actor:
        """Return who signs in with the secret.

        Raises:
            NotSignedIn: there is no secret, or it is unknown, expired or revoked; which of them is not said.
        """
        at = now or utc_now()
        given = secret or ""
        match = SECRET.fullmatch(given)
        token_id = f"tok_{match[1]}" if match else "tok_"
        with self._records.read() as tx:
            found = tx.tokens.find_with_digest(token_id)
        token, digest, audited_at = found or (None, _NO_DIGEST, None)
        is_right = hmac.compare_digest(_digest(given), digest)
        if token is None or not is_right or not token.is_live(at):
            self._note_refusal(token.id if token else None, at=at)
            raise NotSignedIn(NOT_SIGNED_IN)
        actor = actor_of(token)
        self._note_use(token, actor, audited_at=audited_at, at=at)
        return actor

    def _note_use(self, token: Token, actor: Actor, *, audited_at: datetime | None, at: datetime) -> None:
        if token.last_used_at is not None and at - token.last_used_at < _NOTE_USE_EVERY:
            return
        with self._records.begin() as tx:
            # Requests that arrive together all want to write; one of them does.
            if not tx.tokens.note_use(token.id, at=at, unless_since=at - _NOTE_USE_EVERY):
                return
            if audited_at is None or at - audited_at >= _AUDIT_USE_EVERY:
                tx.tokens.note_audit(token.id, at=at)
                add_entry(tx, "token.used", actor=actor, subject=("token", token.id))

    def _note_refusal(self, token_id: str | None, *, at: datetime) -> None:
        """Enter a refusal into the audit log, at most once a minute for each token: whoever guesses guesses often."""
        subject = token_id or "unknown"
        with self._lock:
            before = self._refused_at.get(subject)
            if before is not None and at - before < _AUDIT_REFUSAL_EVERY:
                return
            self._refused_at[subject] = at
        with self._records.begin() as tx:
            add_entry(tx, "token.refused", actor=SYSTEM, subject=("token", subject))


def actor_of(token: Token) -> Actor:
    """Return who acts with a token."""
    return Actor(
        name=f"{PROGRAM_PREFIX}{token.name}",
        role=token.role,
        team=token.team,
        scopes=None if token.scopes is None else frozenset(token.scopes),
        kind="program",
    )


def _digest(secret: str) -> str:
    # No salt and no slow hash: the secret is 256 random bits, which nobody can guess.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _name(name: str) -> str:
    text = " ".join(name.split())
    if not text or len(text) > MAX_NAME_CHARS or not text.isprintable():
        raise InvalidInput(f"Give the token a name of at most {MAX_NAME_CHARS} characters, such as the program's.")
    return text


def _scopes(scopes: Collection[str] | None, *, role: Role, actor: Actor) -> tuple[str, ...] | None:
    if scopes is None:
        if actor.scopes is not None:
            raise NotAllowed("A token with scopes cannot make one that may do everything; name its scopes.")
        return None
    unknown = sorted(set(scopes) - {action.value for action in Action})
    if unknown:
        raise InvalidInput(f"There is no scope {unknown[0][:60]!r}. See the table in docs/access.md.")
    chosen = [action for action in Action if action.value in scopes]
    if not chosen:
        raise InvalidInput("Choose at least one scope, or none at all for everything that the role may do.")
    for action in chosen:
        if not has_role(Actor(name="", role=role), RULES[action].role):
            raise InvalidInput(f"The scope {action.value} takes the role {RULES[action].role.value}.")
        if not may(actor, action):
            raise NotAllowed(f"You cannot give the scope {action.value}, which you do not have.")
    return tuple(action.value for action in chosen)


def clean_team(team: str) -> str:
    """Return the name of a team as it is kept.

    Raises:
        InvalidInput: it cannot be one.
    """
    text = team.strip().lower()
    if not _TEAM.fullmatch(text):
        raise InvalidInput("A team's name has at most 40 letters, digits, - or _, such as support.")
    return text


def _end(expires_at: datetime | None, *, now: datetime) -> datetime | None:
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= now):
        raise InvalidInput("The token would be over already; choose a later end.")
    return expires_at


def _kept(token: Token) -> dict[str, Any]:
    return token.model_dump(mode="json", include={"name", "role", "scopes", "team", "expires_at"})
