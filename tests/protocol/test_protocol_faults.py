"""What goes wrong between us and a model, and what the run then does; docs/models.md has the same table."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.protocol.desk import Desk, raw_events
from tests.servers.model_script import Failed, Failure, Hang, ModelRequest, Reply, Step
from tests.servers.model_server import ModelServer
from triage.domain import EventKind
from triage.errors import ModelRequestError
from triage.llm.breaker import FAILURES_UNTIL_OPEN

pytestmark = pytest.mark.protocol

GOOD = Reply(text="Good.")


def only(answering: str, fault: Step) -> Any:
    """A brain in which one model answers and every other one has the fault."""

    def brain(request: ModelRequest) -> Step:
        return GOOD if request.model == answering else fault

    return brain


def reasons(desk: Desk, kind: EventKind = EventKind.MODEL_RETRIED) -> list[str]:
    return [payload["reason"] for payload in desk.events.payloads(kind)]


async def test_rate_limit_waits_as_long_as_the_server_asks(desk: Desk) -> None:
    desk.server.enqueue(Failure(429, headers={"retry-after": "7"}), GOOD)
    result = await desk.ask()
    assert result.final_output == "Good."
    assert desk.waits == [7.0]
    [payload] = desk.events.payloads(EventKind.MODEL_RETRIED)
    assert payload == {"model": "gpt-5.4", "reason": "rate limited (429)", "wait_ms": 7000, "attempt": 1}
    assert not desk.scope.calls[0].is_fallback


@pytest.mark.parametrize("overrides", [{"fallback_models": ["spare"]}])
@pytest.mark.parametrize(
    "fault",
    [
        Failure(429, headers={"retry-after": "600"}),
        Failure(429, code="insufficient_quota"),
        Failure(401),
        Failure(403),
        Failure(404),
        Failure(400, code="model_not_found"),
    ],
    ids=["long wait", "quota", "wrong key", "forbidden", "unknown", "unknown as 400"],
)
async def test_faults_that_do_not_pass_go_to_the_next_model_without_waiting(desk: Desk, fault: Failure) -> None:
    desk.server.enqueue(fault, GOOD)
    result = await desk.ask()
    assert result.final_output == "Good."
    assert desk.waits == []
    assert [request.model for request in desk.server.requests] == ["gpt-5.4", "spare"]
    [payload] = desk.events.payloads(EventKind.MODEL_FELL_BACK)
    assert (payload["from"], payload["to"]) == ("gpt-5.4", "spare")
    assert desk.scope.calls[0].is_fallback


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503])
async def test_server_errors_are_tried_again_with_growing_waits(desk: Desk, status: int) -> None:
    desk.server.enqueue(Failure(status), Failure(status), GOOD)
    result = await desk.ask()
    assert result.final_output == "Good."
    assert reasons(desk) == [f"server error ({status})"] * 2
    assert 0.25 <= desk.waits[0] <= 0.5
    assert 0.5 <= desk.waits[1] <= 1.0


@pytest.mark.parametrize("protocol", ["responses"])
@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [(400, None, "400"), (400, "context_length_exceeded", "shorten"), (413, None, "413"), (422, None, "422")],
)
async def test_refused_request_is_neither_repeated_nor_hidden(
    desk: Desk, status: int, code: str | None, hint: str
) -> None:
    desk.server.enqueue(Failure(status, code=code))
    with pytest.raises(ModelRequestError, match=hint):
        await desk.ask()
    assert len(desk.server.requests) == 1
    assert desk.events.entries == []


@pytest.mark.parametrize("fault", ["cut", "end", "garbage"])
async def test_broken_stream_is_tried_again_and_its_text_starts_anew(desk: Desk, fault: Any) -> None:
    desk.server.enqueue(Reply(text="This is lost", fault=fault, fault_at=2), Reply(text="This is kept"))
    texts: list[str] = []
    result = desk.start(role="writer")
    async for event in raw_events(result):
        if event.type == "response.created":
            texts.append("")
        elif event.type == "response.output_text.delta":
            texts[-1] += event.delta
    assert texts == ["This is", "This is kept"]
    assert result.final_output == "This is kept"
    assert len(reasons(desk)) == 1
    assert len(desk.scope.calls) == 1


@pytest.mark.parametrize("overrides", [{"model_timeout_s": 0.2, "model_retries": 0, "fallback_models": ["spare"]}])
@pytest.mark.parametrize("fault", [Hang(), Reply(text="One two", fault="hang", fault_at=1)], ids=["start", "middle"])
async def test_silence_is_given_up_and_the_next_model_asked(desk: Desk, fault: Step) -> None:
    desk.server.enqueue(fault, GOOD)
    result = await desk.ask()
    assert result.final_output == "Good."
    assert reasons(desk, EventKind.MODEL_FELL_BACK) == ["no answer in time"]
    assert desk.scope.calls[0].model == "spare"


async def test_failure_inside_the_stream_is_tried_again(desk: Desk) -> None:
    desk.server.enqueue(Failed("server_error"), GOOD)
    assert (await desk.ask()).final_output == "Good."
    assert reasons(desk) == ["the model failed"]


async def test_request_refused_inside_the_stream_is_not_tried_again(desk: Desk) -> None:
    desk.server.enqueue(Failed("invalid_prompt"))
    with pytest.raises(ModelRequestError):
        await desk.ask()
    assert len(desk.server.requests) == 1


@pytest.mark.parametrize("overrides", [{"fallback_models": ["spare"], "model_retries": 1}])
async def test_with_every_model_down_the_offline_engine_answers(protocol: str, desk: Desk) -> None:
    desk.server.enqueue(*[Failure(500)] * 4)
    result = await desk.ask("My invoice is wrong.")
    assert result.final_output
    assert [payload["to"] for payload in desk.events.payloads(EventKind.MODEL_FELL_BACK)] == ["spare", "offline-rules"]
    [call] = desk.scope.calls
    assert (call.model, call.is_fallback, call.cost_usd) == ("offline-rules", True, 0)
    desk.server.assert_complete()


@pytest.mark.parametrize("overrides", [{"openai_base_url": "http://127.0.0.1:9/v1", "model_retries": 1}])
async def test_nobody_listening_is_a_passing_fault(desk: Desk) -> None:
    await desk.ask()
    assert reasons(desk) == ["connection failed (refused)"]
    assert desk.scope.calls[0].model == "offline-rules"


@pytest.mark.parametrize("protocol", ["responses"])
@pytest.mark.parametrize("overrides", [{"fallback_models": ["spare"], "model_retries": 0}])
async def test_model_that_keeps_failing_is_left_alone(desk: Desk) -> None:
    desk.server.brain = only("spare", Failure(503))
    for _ in range(FAILURES_UNTIL_OPEN + 2):
        assert (await desk.ask()).final_output == "Good."
    asked = [request.model for request in desk.server.requests]
    assert asked.count("gpt-5.4") == FAILURES_UNTIL_OPEN
    assert asked.count("spare") == FAILURES_UNTIL_OPEN + 2
    assert reasons(desk, EventKind.MODEL_FELL_BACK)[-1] == "paused after repeated failures"
    states = {link.model: link.breaker for link in desk.registry.describe()[0].chain}
    assert states == {"gpt-5.4": "open", "spare": "closed", "offline-rules": "closed"}


@pytest.mark.parametrize("overrides", [{"model_timeout_s": 30.0}])
async def test_consumer_that_goes_away_ends_the_call(desk: Desk, model_server: ModelServer) -> None:
    model_server.enqueue(Reply(text="One two", fault="hang", fault_at=1))
    result = desk.start(role="writer")
    async for event in raw_events(result):
        if event.type == "response.output_text.delta":
            result.cancel()
    assert desk.scope.calls == []
    assert desk.events.entries == []
    # What the SDK closes in the background needs a turn of the loop; then nothing of the call may be left.
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        await asyncio.wait(left, timeout=2)
    assert not {task for task in left if not task.done()}
