"""Every operation of the API by every role, on an object of one's own team and on another team's.

Which scopes an operation takes is read from docs/api.md, and which role a scope takes from the table of actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute

from tests.access.attempts import Place, place
from tests.api.served import Desk
from tests.api.test_document import DOCS
from tests.api.test_messages import problem_of
from triage.access.actions import ROLES, RULES, Action
from triage.api.access import OPEN_PATHS
from triage.api.app import build_api
from triage.approvals.exact import shown_hash
from triage.domain import DEFAULT_TEAM, Role, RunStatus

pytestmark = pytest.mark.xdist_group("api_roles")

OTHER_TEAM = "billing"
_ROW = re.compile(r"^\| `(GET|POST) /api(\S+)` \|[^|]*\| ([^|]*)\|$", re.MULTILINE)
NEEDED = {(method, path): re.findall(r"`([a-z:]+)`", scopes) for method, path, scopes in _ROW.findall(DOCS)}
GUARDED = {operation: scopes for operation, scopes in NEEDED.items() if scopes}
# What is sent where the path alone does not say it; {hash} is what the approval shows.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/support/triage"): {"message": "And another thing.", "session_id": "{conversation}"},
    ("POST", "/runs/{id}/corrections"): {"field": "category", "value": "billing"},
    ("POST", "/support/approvals/{id}"): {"decision": "reject", "arguments_hash": "{hash}", "reason": "Not needed"},
}
NUMBERS = count()


@pytest.fixture(scope="module")
def idle(desk: Desk) -> Desk:
    """A desk on which no agent works, so that what is put there stays as it is."""
    assert desk.services.engine is not None
    desk.services.engine.close()
    return desk


def send(client: httpx2.Client, operation: tuple[str, str], at: Place, desk: Desk) -> httpx2.Response:
    """Send what an operation takes, about what a team has."""
    method, path = operation
    ids = {"runs": at.queued if path.endswith("/cancel") else at.ended, "conversations": at.conversation}
    path = path.replace("{id}", ids.get(path.split("/")[1], at.approval))
    words = {"{conversation}": at.conversation, "{hash}": shown_hash(desk.services.approvals.get(at.approval))}
    body = {name: words.get(value, value) for name, value in BODIES.get(operation, {}).items()}
    return client.request(method, path, json=body or None)


def fresh(desk: Desk, team: str, operation: tuple[str, str]) -> Place:
    """Put there what an operation reads or changes; for a decision the run waits."""
    made = place(desk.services, team, name=f"http{next(NUMBERS)}")
    if operation[1].startswith("/support/approvals"):
        with desk.services.records.begin() as tx:
            tx.runs.update(made.ended, status=RunStatus.AWAITING_APPROVAL, ended_at=None)
    return made


def names_an_object(operation: tuple[str, str]) -> bool:
    return "{id}" in operation[1] or "{conversation}" in BODIES.get(operation, {}).values()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("operation", GUARDED, ids=" ".join)
def test_an_operation_by_a_role(idle: Desk, role: Role, operation: tuple[str, str]) -> None:
    is_able = all(ROLES.index(role) >= ROLES.index(RULES[Action(scope)].role) for scope in GUARDED[operation])
    own, others = (fresh(idle, team, operation) for team in (DEFAULT_TEAM, OTHER_TEAM))
    with idle.client(f"a {role}", role=role) as client:
        answer = send(client, operation, own, idle)
        assert answer.is_success if is_able else problem_of(answer, "not_allowed")
        if names_an_object(operation):
            answer = send(client, operation, others, idle)
            if is_able and role in (Role.MANAGER, Role.ADMIN):
                assert answer.is_success
            else:
                problem_of(answer, "not_found" if is_able else "not_allowed")


@pytest.mark.parametrize("operation", GUARDED, ids=" ".join)
def test_a_token_without_one_of_the_scopes_may_not(idle: Desk, operation: tuple[str, str]) -> None:
    at = fresh(idle, DEFAULT_TEAM, operation)
    for missing in GUARDED[operation]:
        scopes = [action.value for action in Action if action.value != missing]
        with idle.client(f"without {missing}", role=Role.ADMIN, scopes=scopes) as client:
            problem_of(send(client, operation, at, idle), "not_allowed")
    with idle.client(f"only {'+'.join(GUARDED[operation])}"[:60], role=Role.ADMIN, scopes=GUARDED[operation]) as client:
        answer = send(client, operation, at, idle)
        assert answer.is_success, answer.text


def _routes(part: Any) -> Iterator[APIRoute]:
    """Yield all routes, those of routers that were taken in as well."""
    for route in part.routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from _routes(getattr(route, "original_router", route))


def test_every_route_stands_in_the_table(idle: Desk) -> None:
    routes = list(_routes(build_api(idle.services)))
    made = {(method, re.sub(r"{\w+}", "{id}", route.path)) for route in routes for method in route.methods - {"HEAD"}}
    assert made - NEEDED.keys() == {("GET", "/openapi.json")}
    assert NEEDED.keys() - made == set()
    assert {path for _, path in NEEDED.keys() - GUARDED.keys()} == OPEN_PATHS - {"/openapi.json"}
    assert BODIES.keys() <= NEEDED.keys()
