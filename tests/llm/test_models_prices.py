from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot

from triage.domain import Usage
from triage.llm.prices import cost_of, look_up

AT = datetime(2026, 6, 1, tzinfo=UTC)


def test_known_model_has_a_price_and_cached_tokens_are_cheaper() -> None:
    plain = cost_of("gpt-4o", Usage(requests=1, input_tokens=1000, output_tokens=100), AT)
    cached = cost_of("gpt-4o", Usage(requests=1, input_tokens=1000, cached_tokens=800, output_tokens=100), AT)
    assert plain == Decimal("0.0035")
    assert cached is not None
    assert cached < plain


def test_reasoning_tokens_are_part_of_the_output_and_not_counted_twice() -> None:
    without = cost_of("gpt-5.4", Usage(input_tokens=10, output_tokens=100), AT)
    reasoned = cost_of("gpt-5.4", Usage(input_tokens=10, output_tokens=100, reasoning_tokens=90), AT)
    assert without is not None
    assert reasoned == without


def test_price_is_the_one_in_force_at_the_time_of_the_call() -> None:
    usage = Usage(input_tokens=1_000_000)
    before = cost_of("o3", usage, datetime(2025, 6, 1, tzinfo=UTC))
    after = cost_of("o3", usage, datetime(2025, 7, 1, tzinfo=UTC))
    assert before is not None
    assert after is not None
    assert before > after


@pytest.mark.parametrize("model", ["house-model-7b", "litellm/ollama/house-model-7b", "nobody/nothing", ""])
def test_unknown_model_is_unpriced_and_not_free(model: str) -> None:
    assert cost_of(model, Usage(input_tokens=10, output_tokens=10), AT) is None


def test_known_model_without_a_token_count_is_unpriced() -> None:
    assert cost_of("gpt-4o", Usage(requests=1), AT) is None


def test_offline_engine_costs_nothing() -> None:
    assert cost_of("offline-rules", Usage(requests=1, input_tokens=10, output_tokens=10), AT) == Decimal(0)


@pytest.mark.parametrize("model", ["openai/gpt-4o", "litellm/openai/gpt-4o"])
def test_provider_prefix_finds_the_same_price(model: str) -> None:
    usage = Usage(input_tokens=1000, output_tokens=10)
    assert cost_of(model, usage, AT) == cost_of("gpt-4o", usage, AT)


def test_more_cached_than_sent_tokens_are_capped() -> None:
    usage = Usage(input_tokens=10, cached_tokens=400, output_tokens=10)
    assert cost_of("gpt-4o", usage, AT) == cost_of("gpt-4o", usage.model_copy(update={"cached_tokens": 10}), AT)


def _usages(chance: random.Random, *, most_input: int) -> list[Usage]:
    return [
        Usage(
            requests=1,
            input_tokens=(sent := chance.randrange(1, most_input)),
            cached_tokens=chance.randrange(sent + 1),
            output_tokens=(answered := chance.randrange(1, 8_000)),
            reasoning_tokens=chance.randrange(answered + 1),
        )
        for _ in range(2)
    ]


# The largest are above the tiers that entries have, which begin at 32,000 tokens and more.
@pytest.mark.parametrize("most_input", [32_000, 2_000_000])
def test_the_cost_is_that_of_the_price_list_for_every_model(most_input: int) -> None:
    chance = random.Random(7)
    names = sorted({f"{provider.id}/{model.id}" for provider in get_snapshot().providers for model in provider.models})
    compared = 0
    for name in [*chance.sample(names, 250), "gpt-5.4", "gemini-2.5-pro", "claude-sonnet-4-5"]:
        for usage in _usages(chance, most_input=most_input):
            cost, listed = cost_of(name, usage, AT), look_up(name, usage, AT)
            if cost is None or listed is None:
                assert cost is listed, name
            else:
                assert abs(cost - listed) < Decimal("1e-12"), name
                compared += 1
    assert compared > 400


def test_a_tier_counts_from_its_first_token_on() -> None:
    tier = 200_000
    for tokens in (tier - 1, tier, tier + 1):
        usage = Usage(requests=1, input_tokens=tokens, output_tokens=1)
        assert cost_of("gemini-2.5-pro", usage, AT) == look_up("gemini-2.5-pro", usage, AT)
