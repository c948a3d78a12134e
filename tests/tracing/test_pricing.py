"""Learned rates give the same cost as the price list, for every model that is in it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TieredPrices

from triage.domain import Usage
from triage.llm.prices import cost_of, cost_of_call
from triage.tracing.pricing import LOWEST_TIER_TOKENS, MIN_GROUP, add_costs, learn_rates

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def _call(model: str, usage: Usage, *, asked: str | None = None) -> dict[str, Any]:
    counts = usage.model_dump(exclude={"requests"})
    return {"asked_model": asked, "model": model, "started_at": AT.isoformat(), **counts}


def _usages(count: int) -> list[Usage]:
    chance = random.Random(7)
    return [
        Usage(
            requests=1,
            input_tokens=(sent := chance.randrange(1, LOWEST_TIER_TOKENS + 1)),
            cached_tokens=chance.randrange(sent + 1),
            output_tokens=(answered := chance.randrange(1, 8_000)),
            reasoning_tokens=chance.randrange(answered + 1),
        )
        for _ in range(count)
    ]


def test_no_tier_begins_below_the_limit() -> None:
    conditional = [
        entry.prices
        for provider in get_snapshot().providers
        for model in provider.models
        for entry in (model.prices if isinstance(model.prices, list) else [])
    ]
    plain = [
        model.prices
        for provider in get_snapshot().providers
        for model in provider.models
        if not isinstance(model.prices, list)
    ]
    starts = [
        tier.start
        for prices in plain + conditional
        for price in vars(prices).values()
        if isinstance(price, TieredPrices)
        for tier in price.tiers
    ]
    assert len(starts) > 100
    assert min(starts) >= LOWEST_TIER_TOKENS


def test_rates_agree_with_the_price_list_for_every_model() -> None:
    names = {f"{provider.id}/{model.id}" for provider in get_snapshot().providers for model in provider.models}
    compared = 0
    for name in random.Random(7).sample(sorted(names), 250):
        rates = learn_rates(name, at=AT)
        for usage in _usages(2):
            expected = cost_of(name, usage, AT)
            if rates is None:
                assert expected is None
            else:
                assert expected is not None
                assert abs(rates.cost(usage) - expected) < Decimal("1e-15"), name
                compared += 1
    assert compared > 200


def test_a_large_group_costs_what_its_calls_cost_alone() -> None:
    usages = [
        *_usages(MIN_GROUP),
        Usage(requests=1, input_tokens=900_000, output_tokens=10),
        Usage(requests=1, input_tokens=10, cached_tokens=50, output_tokens=5, reasoning_tokens=9),
        Usage(requests=1),
    ]
    for model in ("gpt-5.4", "gemini-2.5-pro", "claude-sonnet-4-5", "offline-rules", "house-model"):
        calls = [_call(model, usage) for usage in usages]
        add_costs(calls)
        assert [call["cost_usd"] for call in calls] == [cost_of(model, usage, AT) for usage in usages], model


@pytest.mark.parametrize("count", [1, MIN_GROUP])
def test_the_asked_model_sets_the_price_and_the_answering_one_steps_in(count: int) -> None:
    usages = _usages(count)
    for asked, answered, priced_by in (
        ("gpt-5.4", "gpt-5.4-nano", "gpt-5.4"),
        ("house-model", "gpt-5.4-nano", "gpt-5.4-nano"),
        ("litellm/anthropic/claude-sonnet-4-5", "claude", "claude-sonnet-4-5"),
    ):
        calls = [_call(answered, usage, asked=asked) for usage in usages]
        add_costs(calls)
        assert [call["cost_usd"] for call in calls] == [cost_of(priced_by, usage, AT) for usage in usages]
        assert calls[0]["cost_usd"] == cost_of_call(asked, answered, usages[0], AT)


def test_a_call_without_tokens_or_model_gets_no_cost() -> None:
    calls: list[dict[str, Any]] = [
        {**_call("gpt-4o", Usage()), "output_tokens": None},
        {**_call("gpt-4o", Usage()), "model": None},
    ]
    add_costs(calls)
    assert [call.get("cost_usd") for call in calls] == [None, None]
