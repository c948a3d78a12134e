"""The cost of model calls that our own models did not make: their spans come without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from triage.domain import Usage
from triage.llm.prices import cost_of_call

_COUNTS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


def add_costs(calls: Sequence[dict[str, Any]]) -> None:
    """Give every answered model call its ``cost_usd`` as of ``started_at``, None where it is unpriced."""
    for call in calls:
        if call["output_tokens"] is not None and call["started_at"] is not None:
            usage = Usage(requests=1, **{name: call[name] or 0 for name in _COUNTS})
            call["cost_usd"] = cost_of_call(call["asked_model"], call["model"], usage, call["started_at"])
