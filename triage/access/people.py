"""Who the people are that sign in: their roles and teams, from a file of addresses or from groups of the sign-in.

Nothing is remembered between two questions: whoever is taken out of the file, or loses the group, has no access at
the next thing that they do.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from triage.access.actions import ROLES, Action, require
from triage.access.tokens import clean_team
from triage.domain import DEFAULT_TEAM, Actor, Role, Value
from triage.errors import InvalidInput, NotAllowed, SettingsError
from triage.settings import Settings

ASK = "Ask an administrator of the console to give you a role."
MAX_NAME_CHARS = 80
_KEYS = frozenset({"role", "team"})


class Grant(Value):
    """What somebody may do: a role, and for operators and reviewers the team whose runs they see."""

    role: Role
    team: str = DEFAULT_TEAM


class PeopleService:
    """Tells who may do what of those that sign in; asked at each thing that they do."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.people_file
        self._claim = settings.role_claim
        self._groups = read_role_map(settings.role_map)
        self._read: tuple[tuple[int, ...], dict[str, Grant]] | None = None
        # A mistake in the file stops the start, not the first person who signs in.
        self._people()

    def actor_from_claims(self, claims: Mapping[str, Any]) -> Actor:
        """Return who signed in with these claims; the file counts before the groups.

        Raises:
            NotAllowed: nobody has given this person a role; says whom to ask.
            SettingsError: the file of people cannot be used.
        """
        email = _email(claims)
        if email is None:
            raise NotAllowed(f"Your sign-in names no e-mail address that was confirmed. {ASK}")
        grant = self._people().get(email) or self._of_groups(claims)
        if grant is None:
            raise NotAllowed(f"You are signed in as {email}, which has no access to this console. {ASK}")
        # The address and not the name in the claims: two people may have one name, and people may change theirs.
        return Actor(name=email[:MAX_NAME_CHARS], role=grant.role, team=grant.team, email=email)

    def listed(self, *, actor: Actor) -> dict[str, Grant]:
        """Return the people of the file by address.

        Raises:
            NotAllowed: the actor is not an administrator.
            SettingsError: the file cannot be used.
        """
        require(actor, Action.PEOPLE_READ)
        return dict(sorted(self._people().items()))

    def groups(self, *, actor: Actor) -> tuple[str | None, dict[str, Grant]]:
        """Return the claim that names groups, and what each group may do.

        Raises:
            NotAllowed: the actor is not an administrator.
        """
        require(actor, Action.PEOPLE_READ)
        return self._claim, dict(self._groups)

    def _people(self) -> dict[str, Grant]:
        if self._file is None:
            return {}
        try:
            stat = self._file.stat()
            version = (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)
            if self._read is None or self._read[0] != version:
                self._read = (version, read_people(self._file))
        except OSError as error:
            raise SettingsError(
                f"The file of people that TRIAGE_PEOPLE names cannot be read ({error.strerror}), so nobody gets in."
            ) from None
        return self._read[1]

    def _of_groups(self, claims: Mapping[str, Any]) -> Grant | None:
        """Return the grant of the group that may most."""
        found = [self._groups[name] for name in _names(claims, self._claim) if name in self._groups]
        return max(found, key=lambda grant: ROLES.index(grant.role), default=None)


def read_people(file: Path) -> dict[str, Grant]:
    """Return the people of a file by address in lower case.

    Raises:
        OSError: it cannot be read.
        SettingsError: it is not written as it should be; names the line or the person.
    """
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file of people (TRIAGE_PEOPLE) is not TOML: {error}.") from None
    people = written.get("people")
    if not isinstance(people, dict) or set(written) != {"people"}:
        raise SettingsError("The file of people (TRIAGE_PEOPLE) has to have one table [people] and nothing else.")
    found: dict[str, Grant] = {}
    for email, given in people.items():
        address = email.strip().lower()
        if "@" not in address or address in found:
            raise SettingsError(f"TRIAGE_PEOPLE: in the file, {email!r} is no address or stands there twice.")
        fields = {"role": given} if isinstance(given, str) else given
        if not isinstance(fields, dict) or not set(fields) <= _KEYS:
            raise SettingsError(f"TRIAGE_PEOPLE: in the file, {email} has to have a role, and may have a team.")
        found[address] = _grant(fields.get("role"), fields.get("team"), of=f"TRIAGE_PEOPLE, {email}")
    return found


def read_role_map(text: str | None) -> dict[str, Grant]:
    """Return what each group may do, from ``group=role`` or ``group=role:team``, separated by commas.

    Raises:
        SettingsError: it is written in another way.
    """
    found: dict[str, Grant] = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        group, sign, given = part.rpartition("=")
        role, _, team = given.strip().partition(":")
        if not sign or not group.strip():
            raise SettingsError("TRIAGE_ROLE_MAP: write group=role or group=role:team, separated by commas.")
        found[group.strip()] = _grant(role.strip(), team.strip() or None, of="TRIAGE_ROLE_MAP")
    return found


def _grant(role: Any, team: Any, *, of: str) -> Grant:
    try:
        return Grant(role=Role(role), team=clean_team(str(team)) if team is not None else DEFAULT_TEAM)
    except ValueError:
        raise SettingsError(f"{of}: there is no such role; choose {', '.join(ROLES)}.") from None
    except InvalidInput as error:
        raise SettingsError(f"{of}: {error}") from None


def _email(claims: Mapping[str, Any]) -> str | None:
    """Return the address in lower case; one that the provider says it has not confirmed may be anybody's."""
    email = claims.get("email")
    if not isinstance(email, str) or "@" not in email or claims.get("email_verified") in (False, "false"):
        return None
    return email.strip().lower()


def _names(claims: Mapping[str, Any], claim: str | None) -> Iterator[str]:
    """Yield the groups in a claim, which may lie deeper (``realm_access.roles``) or have a dot in its own name."""
    if claim is None:
        return
    value: Any = claims.get(claim)
    if value is None:
        value = claims
        for part in claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, str))
