"""What the input guardrail's classifier says about a message."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from triage.domain import Value

InputVerdict = Literal["support", "off_topic", "injection_attempt", "harmful"]


class GuardrailVerdict(Value):
    """Whether the team may work on a message, and what it is."""

    appropriate: bool = Field(description="True when the support team should work on the message, in doubt too.")
    verdict: InputVerdict = Field(description="What the message is; 'support' whenever appropriate is true.")
    reason: str = Field(description="Why, in one short sentence that does not repeat the message.")
