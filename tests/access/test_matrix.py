"""Every action by every role, on an object of one's own team and on another team's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.access.attempts import OF_A_TEAM, OF_THE_DESK, Attempt, Place, place
from tests.access.conftest import OTHER_TEAM
from triage.access.actions import RULES, Action, has_role, may
from triage.domain import DEFAULT_TEAM, Actor, Role
from triage.errors import NotAllowed, NotFound, TriageError
from triage.services import Services


@dataclass(frozen=True)
class Tried:
    action: Action
    attempt: Attempt
    of_a_team: bool


TRIED = [
    pytest.param(Tried(action, attempt, of_a_team=table is OF_A_TEAM), id=f"{action}-{number}")
    for table in (OF_A_TEAM, OF_THE_DESK)
    for action, attempts in table.items()
    for number, attempt in enumerate(attempts)
]


@pytest.fixture(scope="module")
def places(client: Services) -> dict[str, Place]:
    return {team: place(client, team, name="matrix") for team in (DEFAULT_TEAM, OTHER_TEAM)}


def outcome(services: Services, attempt: Attempt, who: Actor, at: Place) -> str:
    """Say what an attempt comes to; a refusal for another reason than the person means that the person may."""
    try:
        attempt(services, who, at)
    except NotAllowed:
        return "not allowed"
    except NotFound as error:
        return "not there" if any(name in str(error) for name in vars(at).values()) else "may"
    except TriageError:
        return "may"
    return "may"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("tried", TRIED)
def test_an_action_by_a_role(client: Services, places: dict[str, Place], role: Role, tried: Tried) -> None:
    own, others = places[DEFAULT_TEAM], places[OTHER_TEAM]
    # A name of its own: some may not do to a message what others may, because they submitted it.
    who = Actor(name=f"{role}-{tried.action}", role=role)
    is_able = has_role(who, RULES[tried.action].role)
    assert outcome(client, tried.attempt, who, own) == ("may" if is_able else "not allowed")
    if tried.of_a_team:
        expected = "may" if has_role(who, Role.MANAGER) else "not there"
        assert outcome(client, tried.attempt, who, others) == (expected if is_able else "not allowed")


@pytest.mark.parametrize("tried", TRIED)
def test_a_token_may_nothing_beside_its_scopes(client: Services, places: dict[str, Place], tried: Tried) -> None:
    scopes = frozenset(action.value for action in Action if action is not tried.action)
    program = Actor(name="token:limited", role=Role.ADMIN, scopes=scopes, kind="program")
    assert outcome(client, tried.attempt, program, places[DEFAULT_TEAM]) == "not allowed"


def test_every_action_is_tried() -> None:
    tried = {action for table in (OF_A_TEAM, OF_THE_DESK) for action, attempts in table.items() if attempts}
    assert set(Action) == tried


def test_each_role_may_what_the_one_before_it_may() -> None:
    def able(role: Role) -> set[Action]:
        return {action for action in Action if may(Actor(name="", role=role), action)}

    assert able(Role.OPERATOR) < able(Role.REVIEWER) < able(Role.MANAGER) < able(Role.ADMIN) == set(Action)


def _told() -> Iterator[str]:
    for action, rule in RULES.items():
        may_do = ("yes" if has_role(Actor(name="", role=role), rule.role) else "" for role in Role)
        yield f"| `{action.value}` | {rule.words} | {' | '.join(may_do)} |"


def test_the_table_in_the_documentation_is_the_table_of_the_program() -> None:

    lines = (Path(__file__).resolve().parents[2] / "docs" / "access.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("| `")] == list(_told())
