"""The cost of many model calls at once.

One look-up in the price list takes about 0.2 ms, which a batch of thousands of calls cannot afford. Within a price tier
the cost is a sum of counts times rates, so the rates of a model are learned from a few look-ups and the rest is
arithmetic. Small groups, and calls that may reach a higher tier, are looked up one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from triage.domain import Usage
from triage.llm.prices import cost_of_call

# No price list entry has a tier that begins below this many input tokens; a test reads all of them.
LOWEST_TIER_TOKENS = 32_000
# Learning takes five look-ups, so it pays only for more calls than that.
MIN_GROUP = 12
_PROBE = 1_000
_MINUTE_LENGTH = len("2026-01-31T12:59")
_COUNTS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


@dataclass(frozen=True)
class Rates:
    """US dollars per call and per token."""

    call: Decimal
    fresh: Decimal
    cached: Decimal
    answer: Decimal
    reasoning: Decimal

    def cost(self, usage: Usage) -> Decimal:
        """Return the cost of a call below the lowest tier."""
        cached = min(usage.cached_tokens, usage.input_tokens)
        reasoning = min(usage.reasoning_tokens, usage.output_tokens)
        return (
            self.call
            + self.fresh * (usage.input_tokens - cached)
            + self.cached * cached
            + self.answer * (usage.output_tokens - reasoning)
            + self.reasoning * reasoning
        )


def add_costs(calls: Sequence[dict[str, Any]]) -> None:
    """Give every model call its ``cost_usd`` as of ``started_at`` (ISO 8601 text), None where it is unpriced.

    Raises:
        ValueError: a call's time is no time.
    """
    groups: dict[tuple[str | None, str | None, str], list[dict[str, Any]]] = {}
    for call in calls:
        if call["output_tokens"] is not None and call["started_at"]:
            # Prices change at whole minutes at the earliest, so the calls of a minute share them.
            key = (call["asked_model"], call["model"], call["started_at"][:_MINUTE_LENGTH])
            groups.setdefault(key, []).append(call)
    for (asked, answered, _), group in groups.items():
        at = datetime.fromisoformat(group[0]["started_at"])
        rates = learn_rates(asked, answered, at=at) if len(group) >= MIN_GROUP else None
        for call in group:
            call["cost_usd"] = _cost_of_call(call, rates=rates, at=at)


def _cost_of_call(call: Mapping[str, Any], *, rates: Rates | None, at: datetime) -> Decimal | None:
    usage = Usage(requests=1, **{name: call[name] or 0 for name in _COUNTS})
    if rates is None or usage.input_tokens > LOWEST_TIER_TOKENS or usage.total_tokens == 0:
        return cost_of_call(call["asked_model"], call["model"], usage, at)
    return rates.cost(usage)


def learn_rates(asked: str | None, answered: str | None = None, *, at: datetime) -> Rates | None:
    """Return the rates of a model below its tiers, or None where neither of its names has a price."""
    probes = [
        cost_of_call(asked, answered, usage, at)
        for usage in (
            Usage(requests=1, input_tokens=_PROBE),
            Usage(requests=1, input_tokens=2 * _PROBE),
            Usage(requests=1, input_tokens=2 * _PROBE, cached_tokens=_PROBE),
            Usage(requests=1, input_tokens=_PROBE, output_tokens=_PROBE),
            Usage(requests=1, input_tokens=_PROBE, output_tokens=2 * _PROBE, reasoning_tokens=_PROBE),
        )
    ]
    known = [probe for probe in probes if probe is not None]
    if len(known) < len(probes):
        return None
    one, two, half_cached, replied, reasoned = known
    fresh = (two - one) / _PROBE
    return Rates(
        call=2 * one - two,
        fresh=fresh,
        cached=(half_cached - one) / _PROBE,
        answer=(replied - one) / _PROBE,
        reasoning=(reasoned - replied) / _PROBE,
    )
