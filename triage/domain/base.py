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


class Actor(Value):
    """Who does something: a person, a program or the team itself."""

    name: str
    role: Role = Role.OPERATOR
