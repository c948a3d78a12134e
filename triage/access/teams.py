"""Whose runs somebody sees: operators and reviewers those of their team, managers and administrators all.

Another team's object is answered exactly like one that does not exist: whoever guesses ids learns nothing by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from triage.access.actions import Action, has_role, require
from triage.domain import Actor, Approval, Conversation, Role, Run
from triage.errors import NotFound
from triage.gateway import Stores

LONGEST_SHOWN_ID = 64


def team_seen(actor: Actor) -> str | None:
    """Return the only team whose runs the actor sees, None for all teams."""
    return None if has_role(actor, Role.MANAGER) else actor.team


def sees(actor: Actor, team: str) -> bool:
    """Whether the actor sees what belongs to the team."""
    return team_seen(actor) in (None, team)


def run_for(tx: Stores, run_id: str, *, actor: Actor, action: Action) -> Run:
    """Return a run to an actor who may do ``action`` with it.

    Raises:
        NotAllowed: the actor's role or scopes do not have the action.
        NotFound: there is no such run, or it is another team's.
    """
    run: Run = _found(tx.runs.find, run_id, noun="run", actor=actor, action=action)
    return run


def conversation_for(tx: Stores, conversation_id: str, *, actor: Actor, action: Action) -> Conversation:
    """Return a conversation to an actor who may do ``action`` with it.

    Raises:
        NotAllowed: the actor's role or scopes do not have the action.
        NotFound: there is no such conversation, or it is another team's.
    """
    conversation: Conversation = _found(
        tx.conversations.find, conversation_id, noun="conversation", actor=actor, action=action
    )
    return conversation


def approval_for(tx: Stores, approval_id: str, *, actor: Actor, action: Action) -> Approval:
    """Return an approval to an actor who may do ``action`` with it.

    Raises:
        NotAllowed: the actor's role or scopes do not have the action.
        NotFound: there is no such approval, or it is another team's.
    """
    approval: Approval = _found(tx.approvals.find, approval_id, noun="approval", actor=actor, action=action)
    return approval


def lock_for(tx: Stores, approval_id: str, *, actor: Actor, action: Action) -> Approval:
    """Return an approval like ``approval_for``; nobody else changes it before this transaction ends.

    Raises:
        NotAllowed: the actor's role or scopes do not have the action.
        NotFound: there is no such approval, or it is another team's.
    """
    approval_for(tx, approval_id, actor=actor, action=action)
    return tx.approvals.lock(approval_id)


def _found(find: Callable[[str], Any], object_id: str, *, noun: str, actor: Actor, action: Action) -> Any:
    require(actor, action)
    found = find(object_id)
    if found is None or not sees(actor, found.team):
        raise not_found(noun, object_id)
    return found


def not_found(noun: str, object_id: str) -> NotFound:
    """Return the error of the stores for what does not exist, word by word."""
    shown = object_id if len(object_id) <= LONGEST_SHOWN_ID else f"{object_id[:LONGEST_SHOWN_ID]}…"
    return NotFound(f"There is no {noun} {shown}.")
