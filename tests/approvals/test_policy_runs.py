"""Policies as running agents meet them: real records, real engine, the offline engine as its model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from agents import FunctionTool

from triage.approvals.policies import default_text
from triage.approvals.policy_tools import READING_TOOLS, WRITING_TOOLS
from triage.domain import Actor, Approval, ApprovalStatus, ExecutionStatus, Mode, Role, Run, RunStatus
from triage.services import Services, open_services
from triage.settings import Settings

ADMIN = Actor(name="ada", role=Role.ADMIN)
LONGEST_S = 30.0
REFUND = "process_refund\n    decide: approval"


@pytest.fixture
def services(settings: Settings, unpaced: None, started_once: Path) -> Iterator[Services]:
    running = open_services(settings, kind="test")
    yield running
    running.close()


def settled(services: Services, run: Run) -> Run:
    deadline = time.monotonic() + LONGEST_S
    while not ((now := services.runs.get(run.id)).status.is_final or now.status is RunStatus.AWAITING_APPROVAL):
        assert time.monotonic() < deadline, f"the run is still {now.status}"
        time.sleep(0.01)
    return now


def refund(services: Services, operator: Actor) -> tuple[Run, list[Approval]]:
    """Let a customer ask for the refund of a delivered order of the samples, and return what came of it."""
    with services.records.read() as tx:
        order = tx.orders.find("2")
    message = f"My {order.product} from order {order.id} is broken. I want a refund for order {order.id}, please."
    run = settled(services, services.runs.submit(message=message, customer_email=order.customer_email, actor=operator))
    with services.records.read() as tx:
        return run, tx.approvals.list_of_run(run.id)


def test_policies_know_the_tools_of_the_team(services: Services) -> None:
    assert services.team is not None
    tools = {tool.name: tool for agent in services.team.agents.values() for tool in agent.tools
             if isinstance(tool, FunctionTool)}  # fmt: skip
    assert {name for name in tools if not name.startswith("transfer_to_")} == {*READING_TOOLS, *WRITING_TOOLS}
    for name, known in WRITING_TOOLS.items():
        properties = tools[name].params_json_schema["properties"]
        assert {argument: tuple(schema.get("enum", ())) for argument, schema in properties.items()} == known.arguments
    # A tool that reads does not ask, so that a policy for it would have no effect.
    assert not any(tools[name].needs_approval for name in READING_TOOLS)


def test_a_saved_policy_decides_the_next_call(services: Services, operator: Actor) -> None:
    services.policies.save(default_text().replace(REFUND, REFUND.replace("approval", "two_people")), actor=ADMIN)
    run, [asked] = refund(services, operator)
    assert run.status is RunStatus.AWAITING_APPROVAL
    assert (asked.mode, asked.rule, asked.policy_version) == (Mode.TWO_PEOPLE, "refund", 1)
    times = services.policies.document().times(tool=asked.tool, urgency=asked.urgency, asked_at=asked.created_at)
    assert (asked.due_at, asked.expires_at) == (times.due_at, times.expires_at)


def test_a_reversal_sends_a_rule_back_to_people(services: Services, operator: Actor, reviewer: Actor) -> None:
    services.policies.save(default_text().replace(REFUND, REFUND.replace("approval", "auto")), actor=ADMIN)
    run, [done] = refund(services, operator)
    assert run.status is RunStatus.COMPLETED
    assert (done.mode, done.status, done.execution) == (Mode.AUTO, ApprovalStatus.APPROVED, ExecutionStatus.SUCCEEDED)
    services.aftermath.mark_reversed(done.id, actor=reviewer, reason="It was another order.")
    current = services.policies.current()
    assert (current.created_by, current.text) == ("policy", default_text())
    with services.records.read() as tx:
        actions = [entry.action for entry in tx.audit.list()]
    assert actions[-2:] == ["action.reversed", "policy.demoted"]


def test_what_a_policy_denies_does_not_happen(services: Services, operator: Actor) -> None:
    services.policies.save(default_text().replace(REFUND, REFUND.replace("approval", "deny")), actor=ADMIN)
    run, asked = refund(services, operator)
    assert run.status is RunStatus.COMPLETED
    assert asked == []
    with services.records.read() as tx:
        assert tx.orders.refunds("2") == []
