"""What a model call costs, from the price list that genai-prices brings along; nothing is fetched."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import genai_prices
from genai_prices import data_snapshot

from triage.domain import Usage
from triage.llm.names import OFFLINE_MODEL_NAME
from triage.settings import LITELLM_PREFIX


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
    if usage.total_tokens <= 0:
        return None
    provider, name = _provider_and_name(model)
    try:
        price = genai_prices.calc_price(_token_counts(usage), name, provider_id=provider, genai_request_timestamp=at)
    except (LookupError, ValueError):
        return None
    return price.total_price


def _token_counts(usage: Usage) -> genai_prices.Usage:
    """Translate our counts; a part is capped by its whole, as some servers report more cached than sent tokens."""
    return genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
        output_tokens=usage.output_tokens,
        output_reasoning_tokens=min(usage.reasoning_tokens, usage.output_tokens),
    )


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
