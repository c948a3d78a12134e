"""Who may do what: one table of actions; asked by the services, never only by the pages."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from triage.domain import Actor, Role
from triage.errors import NotAllowed

ROLES = tuple(Role)
"""From the one that may least to the one that may most."""


class Action(StrEnum):
    """Everything that a person or a program can do, as ``resource:action``; these are the scopes of tokens, too."""

    RUNS_READ = "runs:read"
    RUNS_SUBMIT = "runs:submit"
    RUNS_CORRECT = "runs:correct"
    RUNS_REPLY = "runs:reply"
    RUNS_ESCALATE = "runs:escalate"
    RUNS_CANCEL = "runs:cancel"
    CONVERSATIONS_READ = "conversations:read"
    APPROVALS_READ = "approvals:read"
    TRACES_READ = "traces:read"
    SWITCHES_READ = "switches:read"
    TEAM_READ = "team:read"

    APPROVALS_CLAIM = "approvals:claim"
    APPROVALS_DECIDE = "approvals:decide"
    APPROVALS_SETTLE = "approvals:settle"
    GUARDRAILS_RELEASE = "guardrails:release"
    POLICIES_READ = "policies:read"

    MEASURES_READ = "measures:read"
    METRICS_READ = "metrics:read"
    TRACES_SEARCH = "traces:search"
    TRACES_EXPORT = "traces:export"
    GUARDRAILS_READ = "guardrails:read"
    GUARDRAILS_MARK = "guardrails:mark"
    CASES_READ = "cases:read"
    CASES_MAKE = "cases:make"
    CASES_EXPORT = "cases:export"
    ALERTS_READ = "alerts:read"
    ALERTS_CHANGE = "alerts:change"
    BUDGETS_CHANGE = "budgets:change"
    AUDIT_READ = "audit:read"
    AUDIT_EXPORT = "audit:export"
    JOBS_READ = "jobs:read"
    SAMPLES_REMOVE = "samples:remove"

    POLICIES_CHANGE = "policies:change"
    SWITCHES_SET = "switches:set"
    WEBHOOKS_CHANGE = "webhooks:change"
    TOKENS_CHANGE = "tokens:change"
    PEOPLE_READ = "people:read"
    AUDIT_SEAL = "audit:seal"
    RETENTION_CHANGE = "retention:change"
    CUSTOMERS_ERASE = "customers:erase"
    DATA_BACKUP = "data:backup"
    TRACES_IMPORT = "traces:import"


class Rule(NamedTuple):
    """The lowest role that may do an action, and the action in words, after "to" or "may"."""

    role: Role
    words: str


RULES: dict[Action, Rule] = {
    Action.RUNS_READ: Rule(Role.OPERATOR, "look at runs"),
    Action.RUNS_SUBMIT: Rule(Role.OPERATOR, "submit a message or run it again"),
    Action.RUNS_CORRECT: Rule(Role.OPERATOR, "correct a label"),
    Action.RUNS_REPLY: Rule(Role.OPERATOR, "edit or send a reply"),
    Action.RUNS_ESCALATE: Rule(Role.OPERATOR, "escalate a conversation"),
    Action.RUNS_CANCEL: Rule(Role.OPERATOR, "cancel a run or take it over"),
    Action.CONVERSATIONS_READ: Rule(Role.OPERATOR, "read a conversation"),
    Action.APPROVALS_READ: Rule(Role.OPERATOR, "look at approvals"),
    Action.TRACES_READ: Rule(Role.OPERATOR, "read the trace of a run"),
    Action.SWITCHES_READ: Rule(Role.OPERATOR, "see what is switched off"),
    Action.TEAM_READ: Rule(Role.OPERATOR, "look at the team of agents"),
    Action.APPROVALS_CLAIM: Rule(Role.REVIEWER, "claim an approval"),
    Action.APPROVALS_DECIDE: Rule(Role.REVIEWER, "decide on an action"),
    Action.APPROVALS_SETTLE: Rule(Role.REVIEWER, "say what became of an action"),
    Action.GUARDRAILS_RELEASE: Rule(Role.REVIEWER, "release a message"),
    Action.POLICIES_READ: Rule(Role.REVIEWER, "look at the policies"),
    Action.MEASURES_READ: Rule(Role.MANAGER, "look at the overview"),
    Action.METRICS_READ: Rule(Role.MANAGER, "read the metrics"),
    Action.TRACES_SEARCH: Rule(Role.MANAGER, "search all traces"),
    Action.TRACES_EXPORT: Rule(Role.MANAGER, "export traces"),
    Action.GUARDRAILS_READ: Rule(Role.MANAGER, "look at the guardrails"),
    Action.GUARDRAILS_MARK: Rule(Role.MANAGER, "mark a trip"),
    Action.CASES_READ: Rule(Role.MANAGER, "look at evaluation cases"),
    Action.CASES_MAKE: Rule(Role.MANAGER, "make an evaluation case"),
    Action.CASES_EXPORT: Rule(Role.MANAGER, "export evaluation cases"),
    Action.ALERTS_READ: Rule(Role.MANAGER, "look at the alerts"),
    Action.ALERTS_CHANGE: Rule(Role.MANAGER, "change an alert rule"),
    Action.BUDGETS_CHANGE: Rule(Role.MANAGER, "change a budget"),
    Action.AUDIT_READ: Rule(Role.MANAGER, "read the audit log"),
    Action.AUDIT_EXPORT: Rule(Role.MANAGER, "export the audit log"),
    Action.JOBS_READ: Rule(Role.MANAGER, "look at exports and backups"),
    Action.SAMPLES_REMOVE: Rule(Role.MANAGER, "remove the sample records"),
    Action.POLICIES_CHANGE: Rule(Role.ADMIN, "change the policy"),
    Action.SWITCHES_SET: Rule(Role.ADMIN, "set or clear a switch"),
    Action.WEBHOOKS_CHANGE: Rule(Role.ADMIN, "see or change webhooks"),
    Action.TOKENS_CHANGE: Rule(Role.ADMIN, "see, make or revoke tokens"),
    Action.PEOPLE_READ: Rule(Role.ADMIN, "see who may do what"),
    Action.AUDIT_SEAL: Rule(Role.ADMIN, "seal the audit log anew"),
    Action.RETENTION_CHANGE: Rule(Role.ADMIN, "remove what is over"),
    Action.CUSTOMERS_ERASE: Rule(Role.ADMIN, "erase a customer"),
    Action.DATA_BACKUP: Rule(Role.ADMIN, "back up the data"),
    Action.TRACES_IMPORT: Rule(Role.ADMIN, "import traces"),
}


def has_role(actor: Actor, role: Role) -> bool:
    """Whether the actor's role includes ``role``."""
    return ROLES.index(actor.role) >= ROLES.index(role)


def roles_of(actor: Actor) -> tuple[Role, ...]:
    """Return the actor's role and those that it includes."""
    return ROLES[: ROLES.index(actor.role) + 1]


def may(actor: Actor, action: Action) -> bool:
    """Whether the actor's role and scopes let the actor do this; whose object it is is another question."""
    return refusal(actor, action) is None


def require(actor: Actor, action: Action) -> None:
    """Refuse an action that the actor's role or scopes do not have.

    Raises:
        NotAllowed: names the action, the role it needs and the one the actor has, or the scope that is missing.
    """
    if sentence := refusal(actor, action):
        raise NotAllowed(sentence)


def refusal(actor: Actor, action: Action) -> str | None:
    """Return why the actor may not do this, or None."""
    rule = RULES[action]
    if not has_role(actor, rule.role):
        return f"To {rule.words} you need the role {rule.role.value}; you are acting as {actor.role.value}."
    if actor.scopes is not None and action.value not in actor.scopes:
        return f"This token may not {rule.words}: it lacks the scope {action.value}."
    return None
