"""Everything that the document allows and forbids, asked by schemathesis with tokens of every kind and with none."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis.specs.openapi import checks

from tests.api.served import ALICE, QUESTION, REFUND, Desk
from tests.api.test_messages import submit
from triage.api.app import document
from triage.domain import Role

pytestmark = pytest.mark.xdist_group("api_schema")

# By a fixture, so that only who runs these tests makes their cases.
schema = schemathesis.pytest.from_fixture("asked")
# What the desk refuses depends on its records as well, which the document does not know.
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
STRICT = [*CHECKS, checks.negative_data_rejection, checks.unsupported_method]


@pytest.fixture(scope="module")
def asked() -> Any:
    return schemathesis.openapi.from_dict(json.loads(json.dumps(document())))


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def ask(case: Any, desk: Desk, token: str, *, strict: bool = False, **kind: Any) -> None:
    headers = {"Authorization": f"Bearer {desk.token(token, **kind)}"}
    answer = case.call(base_url=f"{desk.url}/api", headers=headers, timeout=20)
    assert answer.status_code != 500
    case.validate_response(answer, checks=STRICT if strict else CHECKS)


@pytest.fixture(scope="module")
def quiet(desk: Desk) -> dict[str, str]:
    """A desk with a run of each kind on which no agent works any more, so that a thousand messages cost nothing."""
    with desk.client("helpdesk") as client:
        done = submit(client, QUESTION, session_id="shop-1")
        waiting = submit(client, REFUND, customer_email=ALICE)
    assert desk.services.engine is not None
    desk.services.engine.close()
    # Nothing ends any more, so nobody is to wait for it.
    desk.place._api.state.desk.follower._is_ending = lambda: True  # type: ignore[union-attr]
    return {"run_id": done["run"]["id"], "approval_id": waiting["approvals"][0]["id"], "conversation_id": "shop-1"}


@schema.parametrize()
@bounded(10)
@seed(1)
def test_every_answer_is_one_that_the_document_has(case: Any, desk: Desk, quiet: dict[str, str]) -> None:
    ask(case, desk, "everything", strict=True, role=Role.ADMIN)


@schema.parametrize()
@bounded(3)
@seed(2)
def test_ids_that_there_are_give_what_the_document_says(case: Any, desk: Desk, quiet: dict[str, str]) -> None:
    case.path_parameters = {name: quiet[name] for name in case.path_parameters or {}}
    ask(case, desk, "reviewer", role=Role.REVIEWER)


@pytest.mark.parametrize("header", [None, "Bearer tri_0123456789ab_" + "A" * 43, "Basic dXNlcjpwYXNz"])
def test_without_a_token_in_force_nothing_is_done(desk: Desk, quiet: dict[str, str], header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    with desk.client(None) as nobody:
        for path, methods in document()["paths"].items():
            for method, operation in methods.items():
                answer = nobody.request(method, path.format(**quiet), headers=headers, json={"message": "Hello"})
                assert answer.status_code == 401 or not operation.get("security"), path
