"""What goes wrong at a model during a whole run, and the status, events and trace that tell of it.

The table in docs/statuses.md says the same in words.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.product import (
    CHECK_MODEL,
    TEAM_MODEL,
    WRITER_MODEL,
    Product,
    always_from,
    first_from,
)
from tests.protocol.test_runs_stories import INVOICES
from tests.servers.model_script import Failure, Hang, Reply, Step, ToolCall
from triage.domain import EventKind, Run, RunStatus

pytestmark = pytest.mark.protocol

EVERY_MODEL = {TEAM_MODEL, WRITER_MODEL, CHECK_MODEL}


def assert_failed(product: Product, run: Run, code: str) -> None:
    """The run says why it failed, in its record, its last event and the trace store."""
    assert run.status is RunStatus.FAILED
    assert run.failure is not None
    assert run.failure.code == code
    last = product.events(run)[-1]
    assert (last.kind, last.payload) == (EventKind.RUN_FAILED, run.failure.model_dump())
    recorded = product.recorded_run(run)
    assert (recorded["status"], recorded["failure_code"]) == ("failed", code)
    assert run.needs_person


def retries(product: Product, run: Run) -> list[tuple[str, str]]:
    events = product.events(run, EventKind.MODEL_RETRIED)
    return [(event.payload["model"], event.payload["reason"]) for event in events]


def fallbacks(product: Product, run: Run) -> list[tuple[str, str, str]]:
    events = product.events(run, EventKind.MODEL_FELL_BACK)
    return [(event.payload["from"], event.payload["to"], event.payload["reason"]) for event in events]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Reply(refusal="I will not."), "model_refusal"),
        (Reply(text='{"category": "bil'), "model_output"),
        (Reply(text='{"category": "weather"}'), "model_output"),
        (Reply(text='{"category": "billing"', stopped_by="max_output_tokens"), "model_output"),
        (Failure(400), "model_request"),
        (Failure(400, code="context_length_exceeded"), "model_request"),
    ],
    ids=["refusal", "malformed", "not in the schema", "cut short", "bad request", "too long"],
)
def test_an_answer_that_cannot_be_used_fails_the_run_and_is_not_asked_for_again(
    product: Product, answer: Step, code: str
) -> None:
    product.server.brain = first_from(TEAM_MODEL, answer)
    run = product.run(INVOICES)
    assert_failed(product, run, code)
    assert [request.model for request in product.server.requests] == [CHECK_MODEL, TEAM_MODEL]
    assert retries(product, run) == fallbacks(product, run) == []
    assert product.spans(run, "error is not null"), "The trace does not show what went wrong."
    assert not run.degraded


def test_a_turn_limit_that_is_exceeded_fails_the_run(product: Product) -> None:
    again = Reply(calls=(ToolCall("search_knowledge_base", {"query": "invoices", "max_results": 1}),))
    product.server.brain = always_from({TEAM_MODEL}, again)
    run = product.run(INVOICES)
    assert_failed(product, run, "max_turns")
    assert "TRIAGE_MAX_TURNS" in run.failure.message  # type: ignore[union-attr]
    asked = [request for request in product.server.requests if request.model == TEAM_MODEL]
    assert len(asked) == run.turns == product.settings.max_turns
    assert product.spans(run, "error is not null")


def test_a_rate_limit_is_waited_out(product: Product) -> None:
    product.server.brain = first_from(TEAM_MODEL, Failure(429, headers={"retry-after": "0.2"}))
    run = product.run(INVOICES)
    assert (run.status, run.degraded) == (RunStatus.COMPLETED, False)
    [event] = product.events(run, EventKind.MODEL_RETRIED)
    assert event.payload == {"model": TEAM_MODEL, "reason": "rate limited (429)", "wait_ms": 200, "attempt": 1}
    errors = product.spans(run, "is_model_call and error is not null")
    assert len(errors) == 1


@pytest.mark.parametrize("overrides", [{"model_retries": 1, "fallback_models": ["spare"]}])
def test_a_fallback_model_takes_over_and_the_run_is_not_degraded(product: Product) -> None:
    product.server.brain = always_from(EVERY_MODEL, Failure(500))
    run = product.run(INVOICES)
    assert (run.status, run.degraded, run.models) == (RunStatus.COMPLETED, False, ["spare"])
    assert fallbacks(product, run)[0] == (CHECK_MODEL, "spare", "server error (500)")
    assert retries(product, run)[0] == (CHECK_MODEL, "server error (500)")
    assert product.spans(run, "is_model_call and model = 'spare'")


@pytest.mark.parametrize("overrides", [{"model_retries": 0, "fallback_models": ["spare"]}])
def test_with_every_model_down_the_rules_answer_and_a_person_must_look(product: Product) -> None:
    product.server.brain = always_from({*EVERY_MODEL, "spare"}, Failure(500))
    run = product.run(INVOICES)
    assert (run.status, run.degraded, run.models) == (RunStatus.COMPLETED, True, ["offline-rules"])
    assert run.needs_person
    assert run.cost_usd == 0
    assert [(before, after) for before, after, _ in fallbacks(product, run)][:2] == [
        (CHECK_MODEL, "spare"),
        ("spare", "offline-rules"),
    ]
    assert product.recorded_run(run)["degraded"] is True


@pytest.mark.parametrize("overrides", [{"model_retries": 0}])
@pytest.mark.parametrize(("status", "reason"), [(401, "401"), (403, "403")])
def test_a_wrong_key_degrades_the_run_and_says_so(product: Product, status: int, reason: str) -> None:
    product.server.brain = always_from(EVERY_MODEL, Failure(status))
    run = product.run(INVOICES)
    assert (run.status, run.degraded) == (RunStatus.COMPLETED, True)
    told = fallbacks(product, run)
    assert all("key" in why and reason in why for _, _, why in told)
    assert {after for _, after, _ in told} == {"offline-rules"}


@pytest.mark.parametrize("fault", ["cut", "end", "garbage"])
def test_a_reply_that_breaks_off_starts_anew(product: Product, fault: Any) -> None:
    broken = Reply(pieces=("This is ", "lost", " anyway"), fault=fault, fault_at=2)
    product.server.brain = first_from(WRITER_MODEL, broken, Reply(text="Dear Dana, we look into it."))
    run = product.run(INVOICES)
    assert (run.status, run.degraded, run.reply) == (RunStatus.COMPLETED, False, "Dear Dana, we look into it.")
    kinds = product.kinds(run)
    assert kinds.count(EventKind.TEXT_RESTARTED) == 1
    assert [model for model, _ in retries(product, run)] == [WRITER_MODEL]
    assert product.shown_text(run) == run.reply
    tries = product.spans(run, "is_model_call and agent = 'Reply writer'")
    assert [span["error"] is not None for span in tries] == [True, False]


@pytest.mark.parametrize("overrides", [{"model_timeout_s": 0.3, "model_retries": 0}])
@pytest.mark.parametrize("fault", [Hang(), Reply(text="One two", fault="hang", fault_at=1)], ids=["start", "middle"])
def test_a_model_that_falls_silent_is_given_up(product: Product, fault: Step) -> None:
    product.server.brain = first_from(WRITER_MODEL, fault)
    run = product.run(INVOICES)
    assert (run.status, run.degraded) == (RunStatus.COMPLETED, True)
    assert fallbacks(product, run) == [(WRITER_MODEL, "offline-rules", "no answer in time")]
    assert product.shown_text(run) == run.reply
    assert "One" not in str(run.reply)
    assert len(product.spans(run, "is_model_call and error is not null")) == 1


@pytest.mark.parametrize("answer", [Reply(refusal="I will not."), Reply(text="no verdict")], ids=["refusal", "no JSON"])
def test_an_input_check_without_a_verdict_lets_the_message_pass(product: Product, answer: Step) -> None:
    product.server.brain = first_from(CHECK_MODEL, answer)
    run = product.run(INVOICES)
    assert run.status is RunStatus.COMPLETED
    [passed] = [event for event in product.events(run, EventKind.GUARDRAIL_PASSED) if event.payload["stage"] == "input"]
    assert passed.payload["verdict"] == "not_checked"
