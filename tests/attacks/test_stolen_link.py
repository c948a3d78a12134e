"""The link to an approval gets into wrong hands, and a decision is sent a second time."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.api.served import ALICE, REFUND, Desk
from tests.api.test_approvals import OTHER_HASH, decide
from tests.api.test_messages import problem_of, submit
from triage.domain import Role

pytestmark = pytest.mark.xdist_group("attacks")


@pytest.fixture
def waiting(helpdesk: httpx2.Client) -> dict[str, Any]:
    """A refund that waits."""
    found: dict[str, Any] = submit(helpdesk, REFUND, customer_email=ALICE)["approvals"][0]
    return found


def test_the_link_alone_shows_nothing_and_does_nothing(desk: Desk, waiting: dict[str, Any]) -> None:
    path = f"/support/approvals/{waiting['id']}"
    strangers = {
        None: "not_signed_in",
        "other team": "not_found",
        "no scope": "not_allowed",
    }
    for name, code in strangers.items():
        given: dict[str, Any] = {} if name is None else {"role": Role.REVIEWER}
        given |= {"team": "billing"} if name == "other team" else {}
        given |= {"scopes": ["runs:read"]} if name == "no scope" else {}
        with desk.client(name, **given) as client:
            answers = [client.get(path), client.post(f"{path}/claim"), client.post(f"{path}/release")]
            answers += [
                decide(client, waiting, "approve"),
                decide(client, waiting, "reject", reason="No."),
                decide(client, waiting, "edit", arguments={"order_id": "1", "reason": "Mine"}),
            ]
        for answer in answers:
            problem_of(answer, code)
            assert "Hub" not in answer.text
            assert ALICE not in answer.text
    kept = desk.services.approvals.get(waiting["id"])
    assert (kept.status, kept.claimed_by) == ("pending", None)


def test_to_open_the_link_changes_nothing(desk: Desk, reviews: httpx2.Client, waiting: dict[str, Any]) -> None:
    """Chats and mail programs open links by themselves, to show what is behind them."""
    before = desk.services.approvals.get(waiting["id"])
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        reviews.request(method, f"/support/approvals/{waiting['id']}?decision=approve&arguments_hash={OTHER_HASH}")
    assert desk.services.approvals.get(waiting["id"]) == before


def test_a_decision_that_is_sent_again_is_told_who_decided(
    desk: Desk, reviews: httpx2.Client, waiting: dict[str, Any]
) -> None:
    decided = decide(reviews, waiting, "reject", reason="Not broken.").json()
    with desk.client("someone else", role=Role.REVIEWER) as other:
        for client in (reviews, other):
            for again in ({**waiting}, {**waiting, "arguments_hash": OTHER_HASH}):
                for decision, fields in {
                    "reject": {"reason": "Not broken."},
                    "approve": {},
                    "edit": {"arguments": {"order_id": "1", "reason": "Mine"}},
                }.items():
                    detail = problem_of(decide(client, again, decision, **fields), "conflict")["detail"]
                    assert "already rejected by token:reviews" in detail
    after = desk.services.approvals.get(waiting["id"])
    assert (after.status, after.decided_by, str(after.decided_at)[:19].replace(" ", "T")) == (
        "rejected", "token:reviews", decided["decided_at"][:19],
    )  # fmt: skip
    assert desk.services.runs.get(waiting["run_id"]).segment == 1
