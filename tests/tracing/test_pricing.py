"""What a model call's span costs: what its run counts, or by the price list where nothing of ours made the call."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from agents import ModelSettings, ModelTracing
from agents import Usage as SdkUsage
from agents.testing import ModelStep, ScriptedModel
from agents.tracing import generation_span, trace
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

from triage.domain import Usage
from triage.llm.breaker import ModelBreaker
from triage.llm.chain import ChainLink, ModelChain
from triage.llm.durable import DurableModel
from triage.llm.prices import cost_of, cost_of_call
from triage.scope import RunScope, asking
from triage.tracing.pricing import add_costs

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HELLO = ResponseOutputMessage(
    id="m",
    type="message",
    role="assistant",
    status="completed",
    content=[ResponseOutputText(text="Hello.", type="output_text", annotations=[])],
)


def _call(model: str | None, usage: Usage, *, asked: str | None = None) -> dict[str, Any]:
    counts = usage.model_dump(exclude={"requests"})
    return {"asked_model": asked, "model": model, "started_at": AT, **counts}


async def _ask(name: str) -> None:
    step = ModelStep(output=[HELLO], usage=SdkUsage(input_tokens=1234, output_tokens=56))
    link = ChainLink(name, lambda: ScriptedModel([step], emit_traces=True), ModelBreaker(name))
    model = DurableModel(role="triage", chain=ModelChain([link], retries=0, timeout_s=5))
    with trace("t"):
        await model.get_response(None, "Hello", ModelSettings(), [], None, [], ModelTracing.ENABLED)


async def test_the_span_of_our_own_call_has_the_cost_that_the_run_counts(tracing: Any, scope: RunScope) -> None:
    await _ask("gpt-4o")

    # The scripted model's span knows no tokens, so nothing but the run can have priced it.
    row = tracing.span(kind="model")
    assert row["output_tokens"] is None
    assert row["cost_usd"] == scope.calls[0].cost_usd == Decimal("0.003645")


async def test_a_call_that_the_run_could_not_price_is_unpriced(tracing: Any, scope: RunScope) -> None:
    await _ask("house-model")

    assert scope.calls[0].cost_usd is None
    assert tracing.span(kind="model", model="house-model")["cost_usd"] is None


async def test_a_try_that_failed_carries_no_cost_of_another(tracing: Any, scope: RunScope) -> None:
    with trace("t"):
        with asking("gpt-4o") as asked:
            asked.is_priced, asked.cost_usd = True, Decimal("0.1234567891")
            with generation_span():
                pass
        with asking("gpt-4o"), generation_span():
            pass

    assert sorted(row["cost_usd"] or 0 for row in tracing.spans()) == [0, Decimal("0.123456789")]


def test_what_came_with_its_price_is_not_priced_again(tracing: Any) -> None:
    asked: list[str] = []

    def price(calls: list[dict[str, Any]]) -> None:
        for call in calls:
            asked.append(call["model"])
            call["cost_usd"] = Decimal(7)

    line = {
        "trace_id": "t",
        "kind": "model",
        "name": "m",
        "is_model_call": True,
        "started_at": AT.isoformat(),
        "ended_at": AT.isoformat(),
        "output_tokens": 5,
    }
    rows = [
        {"span_id": "a", "model": "paid", "is_priced": True, "cost_usd": "0.5"},
        {"span_id": "b", "model": "unpriced", "is_priced": True},
        {"span_id": "c", "model": "foreign"},
        {"span_id": "d", "is_model_call": False},
    ]
    lines = [orjson.dumps(line | row, option=orjson.OPT_APPEND_NEWLINE) for row in rows]
    tracing.store.insert_batch(span_lines=lines, price=price, segment="s", offset=1)

    assert asked == ["foreign"]
    found = tracing.store.rows("select span_id, cost_usd from spans order by span_id")
    assert found == [("a", Decimal("0.5")), ("b", None), ("c", Decimal(7)), ("d", None)]


@pytest.mark.parametrize(
    ("asked", "answered", "priced_by"),
    [
        ("gpt-5.4", "gpt-5.4-nano", "gpt-5.4"),
        ("house-model", "gpt-5.4-nano", "gpt-5.4-nano"),
        ("litellm/anthropic/claude-sonnet-4-5", "claude", "claude-sonnet-4-5"),
    ],
)
def test_the_asked_model_sets_the_price_and_the_answering_one_steps_in(
    asked: str, answered: str, priced_by: str
) -> None:
    usage = Usage(requests=1, input_tokens=900, cached_tokens=100, output_tokens=50)
    calls = [_call(answered, usage, asked=asked)]
    add_costs(calls)
    assert calls[0]["cost_usd"] == cost_of(priced_by, usage, AT) == cost_of_call(asked, answered, usage, AT)


def test_a_call_without_tokens_or_model_gets_no_cost() -> None:
    calls: list[dict[str, Any]] = [{**_call("gpt-4o", Usage()), "output_tokens": None}, _call(None, Usage())]
    add_costs(calls)
    assert [call.get("cost_usd") for call in calls] == [None, None]
