"""The brief of an approval as data."""

from __future__ import annotations

from pydantic import Field

from triage.api.schemas import Answer, ApprovalOut, MessageOut, RunOut
from triage.approvals.arguments import ArgumentField
from triage.approvals.brief import Brief, BriefPassage, GuardrailVerdict, TimeLeft
from triage.customers import Check
from triage.domain import Account, Order, PastDecision, Refund


class BriefOut(Answer):
    """Everything that is known about one action that waits, or waited, for a person."""

    approval: ApprovalOut
    sentence: str = Field(description="What the call does, in one sentence.")
    refusal: str | None = Field(description="Why this token may not agree to it now, or null.")
    fields: list[ArgumentField] = Field(description="The arguments: proposed, as the tool takes them, edited, decided.")
    can_edit: bool
    time: TimeLeft
    run: RunOut
    messages: list[MessageOut]
    account: Account | None
    orders: list[Order]
    orders_problem: str | None = Field(description="Why the orders cannot be looked up now, so that none are shown.")
    refunds: list[Refund]
    order: Order | None = Field(description="The customer's order that the call names.")
    checks: list[Check] = Field(description="Facts that speak for a refund or against it.")
    passages: list[BriefPassage] = Field(description="What the run found in the knowledge base.")
    verdicts: list[GuardrailVerdict]
    past: list[PastDecision] = Field(description="What people decided in such cases.")
    others: list[ApprovalOut] = Field(description="What else this run asks for; it goes on when all are decided.")

    @classmethod
    def of(cls, brief: Brief, *, refusal: str | None) -> BriefOut:
        """Return a brief as programs see it."""
        same = {name: getattr(brief, name) for name in cls.model_fields.keys() & Brief.model_fields.keys()}
        return cls(
            **{
                **same,
                "approval": ApprovalOut.of(brief.approval),
                "refusal": refusal,
                "run": RunOut.model_validate(brief.run),
                "messages": [MessageOut.of(message) for message in brief.messages],
                "others": [ApprovalOut.of(other) for other in brief.others],
            }
        )
