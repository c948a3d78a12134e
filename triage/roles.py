"""Who may do what; asked by the services, never only by the pages."""

from __future__ import annotations

from triage.domain import Actor, Role
from triage.errors import NotAllowed

_ORDER = [Role.OPERATOR, Role.REVIEWER, Role.MANAGER, Role.ADMIN]


def may(actor: Actor, role: Role) -> bool:
    """Whether the actor's role includes ``role``."""
    return _ORDER.index(actor.role) >= _ORDER.index(role)


def roles_of(actor: Actor) -> tuple[Role, ...]:
    """Return the actor's role and those that it includes."""
    return tuple(_ORDER[: _ORDER.index(actor.role) + 1])


def require(actor: Actor, role: Role, *, action: str) -> None:
    """Refuse an action to an actor below ``role``.

    Raises:
        NotAllowed: names the action, the role it needs and the one the actor has.
    """
    if not may(actor, role):
        raise NotAllowed(f"To {action} you need the role {role.value}; you are acting as {actor.role.value}.")
