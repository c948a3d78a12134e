"""The run, its spans and the overview give the same cost and the same number of unpriced calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.protocol.product import OPERATOR, TEAM_MODEL, Product, first_from, until
from tests.protocol.test_runs_stories import INVOICES
from tests.servers.model_brain import offline_brain
from tests.servers.model_script import Failed, Failure, Hang, ModelRequest, Reply, Step
from triage.domain import EventKind, Run, RunStatus
from triage.domain.traces import TimeRange

pytestmark = pytest.mark.protocol

CHAT = {"openai_api": "chat_completions"}


def answered_by(name: str) -> Any:
    """A brain behind which a server gives every model the same other name."""

    def brain(request: ModelRequest) -> Step:
        step = offline_brain(request)
        return replace(step, answered_by=name) if isinstance(step, Reply) else step

    return brain


def without_token_count(request: ModelRequest) -> Step:
    step = offline_brain(request)
    nothing: dict[str, Any] = {"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "reasoning_tokens": 0}
    return replace(step, **nothing) if isinstance(step, Reply) else step


def counted(product: Product, run: Run) -> Run:
    """Compare what counts the run's calls and return the run."""
    spans = product.spans(run, "is_model_call")
    assert product.services.trace_queries is not None
    this_hour = TimeRange.last(timedelta(hours=1), until=datetime.now(UTC) + timedelta(minutes=1))
    unpriced = product.services.trace_queries.costs.total(this_hour).unpriced_calls
    assert run.unpriced_calls == unpriced
    assert unpriced == sum(span.is_unpriced for span in product.services.trace_queries.spans(run.trace_id))
    nano = Decimal("1e-9")
    cost = sum((span["cost_usd"] for span in spans if span["cost_usd"] is not None), start=Decimal(0))
    assert abs(cost - run.cost_usd) <= nano * len(spans), "Each span keeps nine digits."
    return run


@pytest.mark.parametrize("overrides", [{"model": "house-model"}])
def test_calls_of_a_model_without_price_are_unpriced(product: Product) -> None:
    run = counted(product, product.run(INVOICES))
    assert run.unpriced_calls > 0
    assert run.cost_usd > 0, "The input check and the writer have prices."


@pytest.mark.parametrize("overrides", [{}, CHAT])
def test_calls_without_a_token_count_are_unpriced(product: Product) -> None:
    product.server.brain = without_token_count
    run = counted(product, product.run(INVOICES))
    assert run.unpriced_calls == run.usage.requests > 0
    assert run.cost_usd == 0


@pytest.mark.parametrize("name", ["gpt-4o", "house-model"])
def test_the_name_in_the_settings_sets_the_price_whatever_the_server_calls_it(product: Product, name: str) -> None:
    expected = counted(product, product.run(INVOICES)).cost_usd
    product.server.brain = answered_by(name)
    run = product.run(INVOICES)
    assert (run.cost_usd, run.unpriced_calls) == (expected, 0)
    priced = sum(span["cost_usd"] for span in product.spans(run, "is_model_call"))
    assert abs(priced - expected) < Decimal("1e-7")


@pytest.mark.parametrize("overrides", [{"model": "our-deployment", "guardrail_model": "gpt-5.4-nano"}])
def test_the_name_that_the_server_gives_prices_a_name_of_ones_own(product: Product) -> None:
    product.server.brain = answered_by("gpt-4o")
    run = counted(product, product.run(INVOICES))
    assert run.unpriced_calls == 0


@pytest.mark.parametrize("fault", [Failure(401), Failed()])
def test_failed_calls_are_neither_priced_nor_unpriced(product: Product, fault: Step) -> None:
    product.server.brain = first_from(TEAM_MODEL, fault)
    run = counted(product, product.run(INVOICES))
    assert (run.status, run.unpriced_calls) == (RunStatus.COMPLETED, 0)
    failed = product.spans(run, "is_model_call and error is not null")
    assert [(span["model"], span["cost_usd"]) for span in failed] == [(TEAM_MODEL, None)]


def test_half_an_answer_has_its_cost(product: Product) -> None:
    half = Reply(text='{"category": "billing"', stopped_by="max_output_tokens", output_tokens=5_000)
    product.server.brain = first_from(TEAM_MODEL, half)
    run = counted(product, product.run(INVOICES))
    assert run.status is RunStatus.FAILED
    assert run.cost_usd > Decimal("0.01")


def test_a_call_that_was_cancelled_says_so_and_is_not_unpriced(product: Product) -> None:
    product.server.brain = first_from(TEAM_MODEL, Hang())
    run = product.submit(INVOICES)
    until(lambda: TEAM_MODEL in {request.model for request in product.server.requests}, what="the model call")
    product.services.runs.cancel(run.id, actor=OPERATOR)
    product.idle()
    run = counted(product, product.settled(run))
    assert run.status is RunStatus.CANCELLED
    assert product.kinds(run)[-1] is EventKind.RUN_CANCELLED
    [left] = product.spans(run, "is_model_call and error is not null")
    assert (left["model"], left["error_kind"]) == (TEAM_MODEL, "unanswered")


def test_the_days_sum_is_what_the_runs_have_cost(product: Product) -> None:
    runs = [product.run(INVOICES), product.run(INVOICES)]
    begun, today = runs[0].created_at.date(), datetime.now(UTC).date()
    with product.services.records.read() as tx:
        spent = tx.spending.between(begun, today + timedelta(days=1))
    cost = sum((run.cost_usd for run in runs), start=Decimal(0))
    assert cost > 0
    assert abs(spent.cost_usd - cost) <= Decimal("1e-9") * len(runs)
