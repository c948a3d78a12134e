"""The base of all values, and who does something."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


class Value(BaseModel):
    """A frozen value."""

    model_config = ConfigDict(frozen=True)


class Role(StrEnum):
    """What a person works as; each later one may also do what the earlier ones may."""

    OPERATOR = "operator"
    REVIEWER = "reviewer"
    MANAGER = "manager"
    ADMIN = "admin"


# Who has given no name: everybody at a console without sign-in, and at the command line.
NAMELESS = frozenset({"local user", "command line"})


# Whoever nobody has put into a team, and everything from before there were teams.
DEFAULT_TEAM = "support"


class Actor(Value):
    """Who does something: a person, a program or the console itself.

    ``team`` is whose runs an operator or a reviewer sees. ``scopes`` are the only actions that a token may do of those
    that its role may, None all of them.
    """

    name: str
    role: Role = Role.OPERATOR
    team: str = DEFAULT_TEAM
    scopes: frozenset[str] | None = None
    kind: Literal["person", "program"] = "person"
    email: str | None = None
