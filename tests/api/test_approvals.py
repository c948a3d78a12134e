"""Approvals over HTTP: the queue, the brief, and decisions that are made once and on what was seen."""

from __future__ import annotations

import threading
from typing import Any

import httpx2
import pytest

from tests.api.served import ALICE, REFUND, Desk
from tests.api.test_messages import problem_of, submit
from triage.domain import Role

pytestmark = pytest.mark.xdist_group("api_approvals")

# A hash that stands for no call.
OTHER_HASH = "0" * 64


@pytest.fixture
def waiting(helpdesk: httpx2.Client) -> dict[str, Any]:
    """A refund that waits; what tests let happen is a refund of another order, because one order is refunded once."""
    found: dict[str, Any] = submit(helpdesk, REFUND, customer_email=ALICE)["approvals"][0]
    return found


def decide(client: httpx2.Client, approval: dict[str, Any], decision: str, **fields: Any) -> httpx2.Response:
    body = {"decision": decision, "arguments_hash": approval["arguments_hash"], **fields}
    return client.post(f"/support/approvals/{approval['id']}", json=body)


def test_the_brief_has_what_a_decision_needs(reviews: httpx2.Client, waiting: dict[str, Any]) -> None:
    brief = reviews.get(f"/support/approvals/{waiting['id']}").json()
    assert brief["sentence"] == "Refund $69.98 to alice@example.com for order 2 (2 of USB-C Hub)."
    assert brief["approval"] == waiting
    assert brief["order"]["total_usd"] == "69.98"
    assert brief["messages"][0]["text"] == REFUND
    assert brief["run"]["id"] == waiting["run_id"]
    assert brief["checks"]
    assert brief["can_edit"]
    assert brief["refusal"] is None
    assert {field["name"] for field in brief["fields"]} == {"order_id", "reason"}


def test_whoever_submitted_is_told_that_another_decides(desk: Desk, helpdesk: httpx2.Client) -> None:
    with desk.client("both", role=Role.REVIEWER) as both:
        mine = submit(both, REFUND, customer_email=ALICE)["approvals"][0]
        assert "another person decides" in both.get(f"/support/approvals/{mine['id']}").json()["refusal"]
        problem_of(decide(both, mine, "approve"), "not_allowed")
    problem_of(decide(helpdesk, mine, "approve"), "not_allowed")


def test_an_approved_action_happens_and_the_run_goes_on(helpdesk: httpx2.Client, reviews: httpx2.Client) -> None:
    asked = submit(helpdesk, "I want a refund for order 4, it arrived broken.", customer_email="carol@example.com")
    decided = decide(reviews, asked["approvals"][0], "approve").json()
    assert (decided["status"], decided["decided_by"]) == ("approved", "token:reviews")
    done = helpdesk.get(f"/runs/{asked['run']['id']}", headers={"Prefer": "wait=30"}).json()
    assert done["outcome"] == "result"
    assert done["approvals"][0]["execution"] == "succeeded"
    problem_of(decide(reviews, asked["approvals"][0], "approve"), "conflict")


def test_an_edited_action_happens_as_edited(helpdesk: httpx2.Client, reviews: httpx2.Client) -> None:
    asked = submit(
        helpdesk, "I want a refund for order 12, it arrived broken.", customer_email="jonas@irisrobotics.example"
    )
    [approval] = asked["approvals"]
    arguments = {**approval["arguments"], "reason": "Broken on arrival, seen on a photo."}
    decided = decide(reviews, approval, "edit", arguments=arguments, reason="Say what we saw.").json()
    assert (decided["status"], decided["decided_arguments"]) == ("edited", arguments)
    done = helpdesk.get(f"/runs/{asked['run']['id']}", headers={"Prefer": "wait=30"}).json()
    assert done["approvals"][0]["execution"] == "succeeded"


def test_a_rejected_action_does_not_happen(
    helpdesk: httpx2.Client, reviews: httpx2.Client, waiting: dict[str, Any]
) -> None:
    problem_of(decide(reviews, waiting, "reject"), "invalid_input")
    decided = decide(reviews, waiting, "reject", reason="The photo shows another device.", reason_code="wrong_facts")
    assert (decided.json()["status"], decided.json()["reason_code"]) == ("rejected", "wrong_facts")
    done = helpdesk.get(f"/runs/{waiting['run_id']}", headers={"Prefer": "wait=30"}).json()
    assert done["approvals"][0]["execution"] == "not_started"


@pytest.mark.parametrize(
    ("decision", "fields"),
    [
        ("approve", {}),
        ("reject", {"reason": "No."}),
        ("edit", {"arguments": {"order_id": "2", "reason": "Other."}}),
        ("answer", {"answer": "Yes."}),
    ],
)
def test_a_decision_on_something_else_than_what_is_there_is_a_conflict(
    reviews: httpx2.Client, waiting: dict[str, Any], decision: str, fields: dict[str, Any]
) -> None:
    answer = decide(reviews, {**waiting, "arguments_hash": OTHER_HASH}, decision, **fields)
    assert "not the ones that you saw" in problem_of(answer, "conflict")["detail"]
    assert reviews.get(f"/support/approvals/{waiting['id']}").json()["approval"]["status"] == "pending"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "approve"},
        {"decision": "approve", "arguments_hash": "short"},
        {"decision": "hold", "arguments_hash": OTHER_HASH},
        {"decision": "approve", "arguments_hash": OTHER_HASH, "arguments": {}},
        {"decision": "edit", "arguments_hash": OTHER_HASH, "arguments": []},
        {"decision": "edit", "arguments_hash": OTHER_HASH, "arguments": {"a": "\x00"}},
        {"decision": "reject", "arguments_hash": OTHER_HASH, "reason": ""},
    ],
)
def test_a_decision_of_another_shape_is_refused(
    reviews: httpx2.Client, waiting: dict[str, Any], body: dict[str, Any]
) -> None:
    problem_of(reviews.post(f"/support/approvals/{waiting['id']}", json=body), "invalid_input")


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"\\ud800"', "1e999", "[" * 3000 + "]" * 3000])
def test_arguments_that_are_no_plain_json_are_refused(
    reviews: httpx2.Client, waiting: dict[str, Any], value: str
) -> None:
    body = '{"decision":"edit","arguments_hash":"%s","arguments":{"order_id":%s}}' % (OTHER_HASH, value)  # noqa: UP031
    headers = {"Content-Type": "application/json"}
    answer = reviews.post(f"/support/approvals/{waiting['id']}", content=body, headers=headers)
    assert answer.json()["code"] in ("invalid_input", "malformed"), answer.text


def test_of_two_who_decide_at_once_one_does(desk: Desk, helpdesk: httpx2.Client, waiting: dict[str, Any]) -> None:
    found: list[int] = []

    def refuse(number: int) -> None:
        with desk.client(f"reviewer {number}", role=Role.REVIEWER) as client:
            found.append(decide(client, waiting, "reject", reason=f"No, says {number}.").status_code)

    threads = [threading.Thread(target=refuse, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200, 409, 409, 409, 409, 409]


def test_a_claim_keeps_others_off(desk: Desk, reviews: httpx2.Client, waiting: dict[str, Any]) -> None:
    path = f"/support/approvals/{waiting['id']}"
    assert reviews.post(f"{path}/claim").json()["claimed_by"] == "token:reviews"
    assert reviews.post(f"{path}/claim").status_code == 200
    with desk.client("second", role=Role.REVIEWER) as second:
        assert "token:reviews is on it" in problem_of(second.post(f"{path}/claim"), "conflict")["detail"]
        problem_of(decide(second, waiting, "approve"), "conflict")
        assert second.post(f"{path}/release").json()["claimed_by"] == "token:reviews"
        assert reviews.post(f"{path}/release").json()["status"] == "pending"
        assert second.post(f"{path}/claim").json()["claimed_by"] == "token:second"


def test_the_queue_is_filtered_and_read_page_by_page(desk: Desk) -> None:
    with (
        desk.client("queue desk", team="queue") as client,
        desk.client("queue reviews", team="queue", role=Role.REVIEWER) as reviews,
    ):
        ids = [submit(client, REFUND, customer_email=ALICE)["approvals"][0]["id"] for _ in range(5)]
        path = "/support/approvals"
        first = reviews.get(path, params={"limit": 2}).json()
        assert [item["id"] for item in first["approvals"]] == ids[:2]
        # What is decided while somebody turns pages moves nothing out of sight.
        decide(reviews, first["approvals"][0], "reject", reason="No.")
        decide(reviews, first["approvals"][1], "reject", reason="No.")
        second = reviews.get(path, params={"limit": 2, "cursor": first["next_cursor"]}).json()
        third = reviews.get(path, params={"limit": 2, "cursor": second["next_cursor"]}).json()
        assert [item["id"] for item in second["approvals"] + third["approvals"]] == ids[2:]
        assert third["next_cursor"] is None
        decided = reviews.get(path, params={"lane": "decided", "limit": 1}).json()
        assert [item["id"] for item in decided["approvals"]] == [ids[1]]
        older = reviews.get(path, params={"lane": "decided", "limit": 1, "cursor": decided["next_cursor"]}).json()
        assert [item["id"] for item in older["approvals"]] == [ids[0]]
        problem_of(reviews.get(path, params={"cursor": decided["next_cursor"]}), "invalid_input")
        reviews.post(f"{path}/{ids[3]}/claim")
        mine = reviews.get(path, params={"person": "token:queue reviews"}).json()["approvals"]
        assert [item["id"] for item in mine] == [ids[3]]
        assert reviews.get(path, params={"tool": "create_support_ticket"}).json()["approvals"] == []
        run_id = mine[0]["run_id"]
        assert [item["id"] for item in reviews.get(path, params={"run_id": run_id}).json()["approvals"]] == [ids[3]]
