"""What the command line prints: sentences for people, JSON for programs."""

from __future__ import annotations

import json
from typing import Any

import typer

from triage.domain import Approval, Run, Ticket
from triage.services import Services
from triage.stable_ids import action_key


def run_as_json(services: Services, run: Run) -> dict[str, Any]:
    """Return everything that a program may want to know of a run."""
    return {
        "id": run.id,
        "conversation_id": run.conversation_id,
        "status": run.status.value,
        "message": run.message,
        "customer_email": run.customer_email,
        "account_id": run.account_id,
        "category": run.category.value if run.category else None,
        "urgency": run.urgency.value if run.urgency else None,
        "result": run.result.model_dump(mode="json") if run.result else None,
        "reply": run.reply,
        "hold_message": run.hold_message,
        "approvals": [approval_as_json(approval) for approval in services.approvals.list_of_run(run.id)],
        "tickets": [ticket_as_json(ticket) for ticket in services.runs.tickets(run.id)],
        "escalations": [item.model_dump(mode="json") for item in services.runs.escalations(run.id)],
        "usage": {**run.usage.model_dump(), "total_tokens": run.usage.total_tokens},
        "cost_usd": str(run.cost_usd),
        "unpriced_calls": run.unpriced_calls,
        "turns": run.turns,
        "active_ms": run.active_ms,
        "models": run.models,
        "degraded": run.degraded,
        "trace_id": run.trace_id,
        "error": run.failure.model_dump() if run.failure else None,
        "blocked": run.trip.model_dump() if run.trip else None,
        "created_at": run.created_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
    }


def approval_as_json(approval: Approval) -> dict[str, Any]:
    """Return an approval for a program."""
    return {
        "id": approval.id,
        "run_id": approval.run_id,
        "idempotency_key": action_key(approval.run_id, approval.call_id),
        "tool": approval.tool,
        "agent": approval.agent,
        "arguments": approval.arguments,
        "summary": approval.summary,
        "policy": approval.policy,
        "status": approval.status.value,
        "execution": approval.execution.value,
        "mode": approval.mode.value,
        "rule": approval.rule,
        "claimed_by": approval.claimed_by,
        "endorsed_by": approval.endorsed_by,
        "decided_arguments": approval.decided_arguments,
        "decided_by": approval.decided_by,
        "reason": approval.reason,
        "created_at": approval.created_at.isoformat(),
        "due_at": approval.due_at.isoformat() if approval.due_at else None,
        "expires_at": approval.expires_at.isoformat() if approval.expires_at else None,
        "escalated_to": approval.escalated_to.value if approval.escalated_to else None,
    }


def ticket_as_json(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket for a program."""
    return {
        "id": ticket.id,
        "title": ticket.title,
        "priority": ticket.priority.value,
        "category": ticket.category.value,
        "status": ticket.status,
    }


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_run(services: Services, run: Run) -> None:
    """Print a run for a person."""
    lines = [f"{run.id}  {run.status.value.replace('_', ' ')}  conversation {run.conversation_id}"]
    if run.category and run.urgency:
        lines.append(f"  {run.category.value}, {run.urgency.value}")
    if run.result:
        lines += [f"  {run.result.summary}", f"  Next: {run.result.recommended_action}"]
        lines += [f"  Based on: {item.title} <{item.url}>" for item in run.result.citations]
    if run.trip:
        lines.append(f"  Blocked by {run.trip.guardrail}: {run.trip.verdict}. {run.trip.reason}")
    if run.failure:
        lines.append(f"  {run.failure.message}")
    lines += [
        f"  {approval.id}  {approval.status.value}: {approval.summary}"
        for approval in services.approvals.list_of_run(run.id)
    ]
    lines += [f"  Ticket {item.id} ({item.priority.value}): {item.title}" for item in services.runs.tickets(run.id)]
    if run.reply:
        lines += ["", run.reply]
    typer.echo("\n".join(lines))
