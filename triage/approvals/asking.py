"""Makes approvals out of calls: of those that wait for a person, and of those that a policy let pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from triage.approvals.actions import QUESTION_TOOL, describe_action
from triage.approvals.exact import hash_of_call
from triage.approvals.gate import Ruling
from triage.approvals.policies import PolicyDocument, ProposedCall, Verdict
from triage.domain import (
    Approval,
    ApprovalStatus,
    EventKind,
    ExecutionStatus,
    Mode,
    Order,
    Run,
    Urgency,
    utc_now,
)
from triage.scope import RunScope

BY_POLICY = "policy"


class Waiting(Protocol):
    """A tool call that waits for a person."""

    @property
    def call_id(self) -> str:
        """Id of the call."""

    @property
    def tool(self) -> str:
        """Name of the tool."""

    @property
    def agent(self) -> str:
        """Name of the agent."""

    @property
    def arguments(self) -> str:
        """Arguments as JSON text."""


def requested(run: Run, call: Waiting, ruling: Ruling, *, order: Order | None, rules: PolicyDocument) -> Approval:
    """Return the approval that a waiting call asks for."""
    now = utc_now()
    arguments = json.loads(call.arguments)
    urgency = ruling.call.urgency or run.urgency or Urgency.MEDIUM
    times = rules.times(tool=call.tool, urgency=urgency, asked_at=now)
    return Approval(
        **_of_call(run, call.call_id, ruling),
        kind="question" if call.tool == QUESTION_TOOL else "action",
        agent=call.agent,
        arguments=arguments,
        summary=describe_action(call.tool, arguments, order=order),
        urgency=urgency,
        status=ApprovalStatus.PENDING,
        due_at=times.due_at,
        expires_at=times.expires_at,
        created_at=now,
        updated_at=now,
    )


def ruling_of(scope: RunScope, call: Waiting) -> Ruling:
    """Return what the policy said of a waiting call; a tool that asks without a policy is decided by one person."""
    kept = scope.rulings.get(call.call_id)
    if kept is not None:
        return Ruling.model_validate(kept)
    proposed = ProposedCall(tool=call.tool, arguments=json.loads(call.arguments))
    return Ruling(
        call=proposed,
        verdict=Verdict(mode=Mode.APPROVAL, rule="", sentence="This tool always asks, so a person decides."),
    )


def passed(run: Run, scope: RunScope, outcomes: Mapping[str, EventKind | None]) -> Iterator[Approval]:
    """Return a kept approval for each call of the segment that a policy let happen without a person."""
    now = utc_now()
    for call_id, kept in scope.rulings.items():
        ruling = Ruling.model_validate(kept)
        if ruling.verdict.mode is not Mode.AUTO or call_id not in outcomes:
            continue
        arguments = ruling.call.arguments
        yield Approval(
            **_of_call(run, call_id, ruling),
            agent=scope.last_agent or "",
            arguments=arguments,
            decided_arguments=arguments,
            arguments_hash=hash_of_call(ruling.call.tool, call_id, arguments),
            summary=describe_action(ruling.call.tool, arguments),
            urgency=ruling.call.urgency or Urgency.MEDIUM,
            status=ApprovalStatus.APPROVED,
            execution=execution_of(outcomes[call_id]),
            decided_by=BY_POLICY,
            decided_at=now,
            created_at=now,
            updated_at=now,
        )


def execution_of(kind: EventKind | None) -> ExecutionStatus:
    """Say what became of an action by the event that told of it."""
    if kind is EventKind.TOOL_COMPLETED:
        return ExecutionStatus.SUCCEEDED
    return ExecutionStatus.FAILED if kind is EventKind.TOOL_FAILED else ExecutionStatus.UNKNOWN


def _of_call(run: Run, call_id: str, ruling: Ruling) -> dict[str, Any]:
    place = f"{run.id}:{run.segment}:{call_id}"
    return {
        # The id comes from the call, so the replay of a killed pause asks for the same approval.
        "id": f"apr_{hashlib.blake2b(place.encode(), digest_size=10).hexdigest()}",
        "run_id": run.id,
        "segment": run.segment,
        "conversation_id": run.conversation_id,
        "call_id": call_id,
        "tool": ruling.call.tool,
        "policy": ruling.verdict.sentence,
        "rule": ruling.verdict.rule,
        "policy_version": ruling.verdict.version,
        "mode": ruling.verdict.mode,
        "amount_usd": ruling.call.amount_usd,
        "customer_email": run.customer_email,
        "submitted_by": run.submitted_by,
        "team": run.team,
    }
