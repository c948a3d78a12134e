"""The base of all values, and who does something."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

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


class Actor(Value):
    """Who does something: a person, a program or the team itself."""

    name: str
    role: Role = Role.OPERATOR

    def is_same_person(self, name: str | None) -> bool:
        """Whether ``name`` is known to be the same person; of those without a name nobody can tell."""
        return name == self.name and name not in NAMELESS
