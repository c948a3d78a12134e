"""Who may decide an approval, and why not; asked by the service, and by pages only to say it beforehand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from triage.access import actions
from triage.access.actions import Action
from triage.access.one_person import are_one_person, may_be_one_person, you
from triage.approvals.policies import PolicyDocument
from triage.domain import Actor, Approval
from triage.gateway import Stores

NO_MONEY = Decimal(0)


def refusal(approval: Approval, *, actor: Actor, now: datetime) -> str | None:
    """Return why this person may not decide the approval now, or None; limits are another question."""
    return actions.refusal(actor, Action.APPROVALS_DECIDE) or hindrance(approval, actor=actor, now=now)


def hindrance(approval: Approval, *, actor: Actor, now: datetime) -> str | None:
    """Return that the approval is closed or that somebody else has claimed it, or None."""
    if closed := closed_sentence(approval, now=now):
        return closed
    if held_by_another(approval, actor=actor, now=now):
        return f"{approval.claimed_by} is on it until {approval.claimed_until:%H:%M} UTC."
    return None


def agreement_refusal(tx: Stores, approval: Approval, *, actor: Actor) -> str | None:
    """Return why this person may not agree to the action, or None; whoever may not agree may still reject."""
    submitted, first = approval.submitted_by, approval.endorsed_by
    if are_one_person(tx, actor, submitted):
        return f"{you(actor, submitted)} submitted this message, so another person decides what it sets going."
    release = tx.releases.find_by_released_run(approval.run_id)
    if release is not None and are_one_person(tx, actor, release.released_by):
        return f"{you(actor, release.released_by)} released this message, so another person decides what it sets going."
    if first is not None and may_be_one_person(tx, actor, first):
        return f"{you(actor, first)} have agreed already; a second person has to agree as well."
    return None


def closed_sentence(approval: Approval, *, now: datetime) -> str | None:
    """Say who decided what and when, or that it is too late; None while it is open."""
    if approval.status.is_open:
        is_late = approval.expires_at is not None and now >= approval.expires_at
        return f"This expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC and counts as rejected." if is_late else None
    who = f" by {approval.decided_by}" if approval.decided_by else ""
    at = f" at {approval.decided_at:%Y-%m-%d %H:%M} UTC" if approval.decided_at else ""
    why = f": {approval.reason}" if approval.reason else ""
    return f"This action was already {approval.status.value}{who}{at}{why}."


def held_by_another(approval: Approval, *, actor: Actor, now: datetime) -> bool:
    """Whether somebody else has claimed the approval and the lease has not run out."""
    return is_claimed(approval, now=now) and approval.claimed_by != actor.name


def is_claimed(approval: Approval, *, now: datetime) -> bool:
    """Whether a claim on the approval is still good."""
    return approval.claimed_until is not None and now < approval.claimed_until


def limit_refusal(
    approval: Approval, *, actor: Actor, rules: PolicyDocument, spent: Callable[[str, str], Decimal]
) -> str | None:
    """Return why the sum is more than the person or the customer's day allows; ``spent`` adds up today's by column."""
    if not approval.amount_usd:
        return None
    return rules.limit_problem(
        role=actor.role,
        amount_usd=approval.amount_usd,
        decided_today_usd=spent("decided_by", actor.name),
        customer_today_usd=spent("customer_email", approval.customer_email) if approval.customer_email else NO_MONEY,
    )
