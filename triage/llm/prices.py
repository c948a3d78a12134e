"""What a model call costs, from the price list that genai-prices brings along; nothing is fetched.

One look-up in the list takes about 0.15 ms of the thread that runs the agents. Below the tiers of a price entry the
cost is a sum of counts times rates, so the rates of an entry are learned once, from a few look-ups, and the rest is
arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import genai_prices
from genai_prices import data_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices
from openai.types.responses import Response

from triage.domain import Usage
from triage.llm.names import OFFLINE_MODEL_NAME
from triage.settings import LITELLM_PREFIX

_PROBE = 1_000
_PROBES = (
    Usage(requests=1, input_tokens=_PROBE),
    Usage(requests=1, input_tokens=2 * _PROBE),
    Usage(requests=1, input_tokens=2 * _PROBE, cached_tokens=_PROBE),
    Usage(requests=1, input_tokens=_PROBE, output_tokens=_PROBE),
    Usage(requests=1, input_tokens=_PROBE, output_tokens=2 * _PROBE, reasoning_tokens=_PROBE),
)


@dataclass(frozen=True)
class Rates:
    """US dollars per call and per token, for calls of fewer than ``tier_start`` input tokens (None: of any size)."""

    tier_start: int | None
    call: Decimal
    fresh: Decimal
    cached: Decimal
    answer: Decimal
    reasoning: Decimal

    def cost(self, usage: Usage) -> Decimal:
        """Return the cost of a call below the first tier."""
        cached = min(usage.cached_tokens, usage.input_tokens)
        reasoning = min(usage.reasoning_tokens, usage.output_tokens)
        return (
            self.call
            + self.fresh * (usage.input_tokens - cached)
            + self.cached * cached
            + self.answer * (usage.output_tokens - reasoning)
            + self.reasoning * reasoning
        )


def usage_of(response: Response) -> Usage:
    """Return the token counts of a response; servers leave out the details, or all of it."""
    used = response.usage
    if used is None:
        return Usage(requests=1)
    return Usage(
        requests=1,
        input_tokens=used.input_tokens or 0,
        cached_tokens=getattr(used.input_tokens_details, "cached_tokens", None) or 0,
        output_tokens=used.output_tokens or 0,
        reasoning_tokens=getattr(used.output_tokens_details, "reasoning_tokens", None) or 0,
    )


def cost_of_call(asked: str | None, answered: str | None, usage: Usage, at: datetime) -> Decimal | None:
    """Return what a call cost in US dollars, or None where it is unpriced; runs and traces both count by this.

    The price is that of the ``asked`` model, as the settings name it with its provider. Where it has none, as behind a
    name of one's own, the one that the server says has ``answered`` counts.
    """
    for model in dict.fromkeys((asked, answered)):
        if model and (cost := cost_of(model, usage, at)) is not None:
            return cost
    return None


def cost_of(model: str, usage: Usage, at: datetime) -> Decimal | None:
    """Return the price in US dollars that ``model`` had at ``at`` for ``usage``, or None where it is unknown.

    A call without any token count is unpriced as well: a server that reports no usage did not work for nothing. The
    offline engine costs 0. Figures come from the price data bundled with the pinned genai-prices.
    """
    if model == OFFLINE_MODEL_NAME:
        return Decimal(0)
    if usage.total_tokens <= 0 or (listed := _listed(model)) is None:
        return None
    rates = _rates(listed.get_prices(at), model, at)
    if rates is None or (rates.tier_start is not None and usage.input_tokens >= rates.tier_start):
        return look_up(model, usage, at)
    return rates.cost(usage)


def look_up(model: str, usage: Usage, at: datetime) -> Decimal | None:
    """Return what the price list itself says, or None where it says nothing."""
    provider, name = _provider_and_name(model)
    try:
        price = genai_prices.calc_price(_token_counts(usage), name, provider_id=provider, genai_request_timestamp=at)
    except (LookupError, ValueError):
        return None
    return price.total_price


# Learned rates by the identity of their price entry, which is kept beside them so that the identity stays its own.
_LEARNED: dict[int, tuple[ModelPrice, Rates | None]] = {}


def _rates(entry: ModelPrice, model: str, at: datetime) -> Rates | None:
    """Return the rates of the price entry that ``model`` has at ``at``, or None where they cannot be learned."""
    if (known := _LEARNED.get(id(entry))) is None:
        known = _LEARNED[id(entry)] = (entry, _learn(entry, model, at))
    return known[1]


def _learn(entry: ModelPrice, model: str, at: datetime) -> Rates | None:
    tiers = [tier.start for price in vars(entry).values() if isinstance(price, TieredPrices) for tier in price.tiers]
    tier_start = min(tiers, default=None)
    found = [cost for usage in _PROBES if (cost := look_up(model, usage, at)) is not None]
    if len(found) < len(_PROBES) or (tier_start is not None and tier_start <= 2 * _PROBE):
        return None
    one, two, half_cached, replied, reasoned = found
    fresh = (two - one) / _PROBE
    return Rates(
        tier_start=tier_start,
        call=2 * one - two,
        fresh=fresh,
        cached=(half_cached - one) / _PROBE,
        answer=(replied - one) / _PROBE,
        reasoning=(reasoned - replied) / _PROBE,
    )


def _token_counts(usage: Usage) -> genai_prices.Usage:
    """Translate our counts; a part is capped by its whole, as some servers report more cached than sent tokens."""
    return genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
        output_tokens=usage.output_tokens,
        output_reasoning_tokens=min(usage.reasoning_tokens, usage.output_tokens),
    )


@lru_cache(maxsize=256)
def _listed(model: str) -> ModelInfo | None:
    """Return the entry of a model in the price list, None where it is not listed."""
    provider, name = _provider_and_name(model)
    try:
        return data_snapshot.get_snapshot().find_provider_model(name, None, provider, None)[1]
    except LookupError:
        return None


@lru_cache(maxsize=256)
def _provider_and_name(model: str) -> tuple[str | None, str]:
    """Split ``litellm/provider/name`` and ``provider/name``; a first part that is no provider belongs to the name."""
    path = model.removeprefix(LITELLM_PREFIX)
    provider, slash, name = path.partition("/")
    if not slash:
        return None, path
    try:
        data_snapshot.get_snapshot().find_provider(None, provider, None)
    except LookupError:
        return None, path
    return provider, name
