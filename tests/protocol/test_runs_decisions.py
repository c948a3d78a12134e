"""Decisions on what is stored: altered states, two people at once, and another process that goes on."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from tests.protocol.product import REVIEWER, Product
from tests.protocol.test_runs_stories import DATA_GONE
from triage.domain import Actor, EventKind, ExecutionStatus, Role, RunStatus
from triage.errors import Conflict

pytestmark = pytest.mark.protocol


@pytest.mark.parametrize("column", ["state", "facts", "tools_fingerprint", "signature"])
def test_a_stored_state_with_one_character_changed_is_not_resumed(product: Product, column: str) -> None:
    run = product.run(DATA_GONE)
    (approval,) = product.services.approvals.list()
    with product.services.records.engine.begin() as connection:
        [stored] = connection.execute(sa.text(f"select {column} from run_states where run_id = :id"), {"id": run.id})
        text = str(stored[0])
        at = next(number for number, char in enumerate(text) if number > len(text) // 2 and char.isalnum())
        altered = text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]
        connection.execute(
            sa.text(f"update run_states set {column} = :value where run_id = :id"), {"value": altered, "id": run.id}
        )
    asked = len(product.server.requests)
    product.services.approvals.approve(approval.id, actor=REVIEWER)
    run = product.settled(run)
    assert run.status is RunStatus.FAILED
    assert run.failure is not None
    assert run.failure.code == "state"
    assert "does not match its signature" in run.failure.message
    assert product.services.runs.tickets(run.id) == []
    assert product.services.approvals.get(approval.id).execution is not ExecutionStatus.SUCCEEDED
    assert len(product.server.requests) == asked, "A model was asked with an altered state."


def test_of_two_decisions_at_the_same_moment_one_counts(product: Product) -> None:
    run = product.run(DATA_GONE)
    (approval,) = product.services.approvals.list()
    together, outcomes = threading.Barrier(2), []

    def decide(name: str) -> None:
        together.wait()
        try:
            product.services.approvals.approve(approval.id, actor=Actor(name=name, role=Role.REVIEWER))
            outcomes.append(name)
        except Conflict as conflict:
            outcomes.append(str(conflict))

    people = [threading.Thread(target=decide, args=(name,)) for name in ("rita", "ruth")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    [winner] = [outcome for outcome in outcomes if outcome in {"rita", "ruth"}]
    [refused] = [outcome for outcome in outcomes if outcome not in {"rita", "ruth"}]
    assert refused.startswith(f"This action was already approved by {winner} at ")
    run = product.settled(run)
    assert run.status is RunStatus.COMPLETED
    assert len(product.services.runs.tickets(run.id)) == 1
    kinds = product.kinds(run)
    assert kinds.count(EventKind.APPROVAL_DECIDED) == kinds.count(EventKind.RUN_RESUMED) == 1
