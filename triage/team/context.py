"""What the team knows about the run that it works on, and what it has found out so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pydantic import BaseModel, Field

from triage.approvals.exact import DecidedCall
from triage.domain import Citation, Release, Urgency
from triage.scope import RunScope, current_scope


class EscalationFact(BaseModel):
    """The escalation that this run recorded."""

    id: str
    reason: str
    urgency: Urgency


class RunFacts(BaseModel):
    """The facts of a run, or what one tool call adds to them; JSON-compatible as a whole.

    Tools return what they add from their durable step, and the caller adds it afterwards. A run that was killed and
    started again therefore arrives at the same facts although its finished steps are not worked a second time.
    """

    searches: int = 0
    articles: dict[str, Citation] = Field(default_factory=dict)
    account_ids: list[str] = Field(default_factory=list)
    order_ids: list[str] = Field(default_factory=list)
    emails: list[str] = Field(default_factory=list)
    mentioned: list[str] = Field(default_factory=list, description="Addresses and numbers of the conversation before.")
    refunds: dict[str, str] = Field(default_factory=dict, description="Order id to the refunded amount in US dollars.")
    tickets: list[str] = Field(default_factory=list)
    paused: dict[str, str] = Field(default_factory=dict, description="Call id to the tool that a switch refused.")
    escalation: EscalationFact | None = None
    draft: str | None = None

    def add(self, more: RunFacts) -> None:
        """Add what a tool call found."""
        self.searches += more.searches
        self.articles.update(more.articles)
        self.refunds.update(more.refunds)
        self.paused.update(more.paused)
        for name in ("account_ids", "order_ids", "emails", "mentioned", "tickets"):
            known: list[str] = getattr(self, name)
            known.extend(value for value in getattr(more, name) if value not in known)
        self.escalation = more.escalation or self.escalation
        self.draft = more.draft if more.draft is not None else self.draft


@dataclass
class TriageContext:
    """The context that the SDK hands to instructions, tools and guardrails of one run.

    ``today`` is the day on which the run was submitted, so that a run resumed later reads the same date. ``decided``
    are the calls that people let happen, by call id. ``release`` is there where a person let the message run although a
    guardrail had blocked it.
    """

    run_id: str
    conversation_id: str
    message: str
    today: date
    customer_email: str | None = None
    account_id: str | None = None
    submitted_by: str = "team"
    facts: RunFacts = field(default_factory=RunFacts)
    decided: Mapping[str, DecidedCall] = field(default_factory=dict)
    release: Release | None = None

    def is_customer(self, email: str) -> bool:
        """Whether ``email`` is the customer's own address."""
        own = self.customer_email
        return own is not None and email.strip().casefold() == own.strip().casefold()


def scope_of(context: TriageContext) -> RunScope:
    """Return the scope of the running segment, or one that keeps nothing when there is none."""
    return current_scope() or RunScope(run_id=context.run_id)
