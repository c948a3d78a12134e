"""Who is one person: a token acts for whoever made it, so that nobody agrees with themselves through a program."""

from __future__ import annotations

from triage.access.tokens import PROGRAM_PREFIX
from triage.domain import NAMELESS, Actor
from triage.gateway import Stores


def may_be_one_person(tx: Stores, actor: Actor, name: str) -> bool:
    """Whether the actor and ``name`` are one person, or cannot be told apart."""
    return bool(_shared(tx, actor, name))


def are_one_person(tx: Stores, actor: Actor, name: str) -> bool:
    """Whether the actor and ``name`` are known to be one person; of those without a name nobody can tell."""
    return bool(_shared(tx, actor, name) - NAMELESS)


def you(actor: Actor, name: str) -> str:
    """Return how a sentence to the actor begins that tells of ``name``, who is the same person."""
    return "You" if name == actor.name else f"You, as {name},"


def _shared(tx: Stores, actor: Actor, name: str) -> set[str]:
    return _behind(tx, actor.name) & _behind(tx, name)


def _behind(tx: Stores, name: str) -> set[str]:
    """Return a name with those of whoever made the token of that name, also where tokens made tokens.

    A revoked token and a later one may have one name; then both makers count.
    """
    found: set[str] = set()
    left = {name}
    while left:
        one = left.pop()
        found.add(one)
        if one.startswith(PROGRAM_PREFIX):
            left |= tx.tokens.makers(one.removeprefix(PROGRAM_PREFIX)) - found
    return found
