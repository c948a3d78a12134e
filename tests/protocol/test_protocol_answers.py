"""What a model can say over HTTP, through the real client, the durable model and the real runner."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from agents import Agent, ModelBehaviorError, ModelRefusalError, function_tool
from pydantic import BaseModel

from tests.protocol.desk import Desk, raw_events
from tests.servers.model_script import Reply, ToolCall
from triage.domain import EventKind, Usage

pytestmark = pytest.mark.protocol


class Weather(BaseModel):
    city: str
    is_sunny: bool


async def test_deltas_arrive_one_by_one(desk: Desk) -> None:
    gates = {1: threading.Event(), 2: threading.Event()}
    desk.server.enqueue(Reply(pieces=("one ", "two ", "three"), gates=gates))
    seen: list[str] = []
    async for event in raw_events(desk.start(role="writer")):
        if event.type == "response.output_text.delta":
            seen.append(event.delta)
            # The server sends the next piece only now that the last one was seen.
            if (gate := gates.get(len(seen))) is not None:
                gate.set()
    assert seen == ["one ", "two ", "three"]


async def test_answer_reaches_the_runner_with_its_cost_and_one_event(desk: Desk) -> None:
    desk.server.enqueue(Reply(text="All is well.", input_tokens=1000, cached_tokens=0, output_tokens=100))
    result = await desk.ask()
    assert result.final_output == "All is well."
    [call] = desk.scope.calls
    assert (call.role, call.model, call.is_fallback) == ("triage", "gpt-5.4", False)
    assert call.usage == Usage(requests=1, input_tokens=1000, output_tokens=100, reasoning_tokens=4)
    assert call.cost_usd == Decimal("0.004")
    [payload] = desk.events.payloads(EventKind.MODEL_COMPLETED)
    assert Decimal(payload["cost_usd"]) == Decimal("0.004")
    assert payload["input_tokens"] == 1000
    assert result.context_wrapper.usage.total_tokens == 1100


async def test_one_connection_serves_several_calls(desk: Desk) -> None:
    desk.server.enqueue(Reply(text="One."), Reply(text="Two."))
    await desk.ask()
    await desk.ask()
    assert len({request.client_port for request in desk.server.requests}) == 1


async def test_request_carries_instructions_key_and_schema(desk: Desk) -> None:
    desk.server.enqueue(Reply(text='{"city": "Berlin", "is_sunny": true}'))
    result = await desk.ask("Berlin?", agent=Agent(name="A", instructions="Look up.", output_type=Weather))
    assert result.final_output == Weather(city="Berlin", is_sunny=True)
    [request] = desk.server.requests
    assert request.instructions == "Look up."
    assert request.headers["authorization"] == "Bearer test-key"
    assert request.items[0]["content"] == "Berlin?"
    assert set(request.output_schema["properties"]) == {"city", "is_sunny"}
    assert request.is_stream


async def test_parallel_tool_calls_both_run_and_both_outputs_go_back(desk: Desk) -> None:
    asked: list[str] = []

    @function_tool
    def look_up(city: str) -> str:
        """Look up a city."""
        asked.append(city)
        return f"sunny in {city}"

    desk.server.enqueue(
        Reply(calls=(ToolCall("look_up", {"city": "Rome"}, "call_1"), ToolCall("look_up", {"city": "Oslo"}, "call_2"))),
        Reply(text="Both are sunny."),
    )
    result = await desk.ask(agent=Agent(name="A", tools=[look_up]))
    assert sorted(asked) == ["Oslo", "Rome"]
    assert result.final_output == "Both are sunny."
    sent_back = {
        item["call_id"]: item["output"]
        for item in desk.server.requests[1].items
        if item.get("type") == "function_call_output"
    }
    assert sent_back == {"call_1": "sunny in Rome", "call_2": "sunny in Oslo"}
    assert len(desk.scope.calls) == 2
    desk.server.assert_complete()


async def test_calls_that_a_server_does_not_number_are_told_apart(desk: Desk) -> None:
    found: list[str] = []

    @function_tool
    def look_up(name: str) -> str:
        """Look a thing up."""
        found.append(name)
        return f"{name} is there"

    calls = tuple(ToolCall("look_up", {"name": name}, call_id="") for name in ("hub", "lamp"))
    desk.server.enqueue(Reply(calls=calls), Reply(text="Both are there."))
    result = await desk.ask(agent=Agent(name="A", tools=[look_up]))
    assert (sorted(found), result.final_output) == (["hub", "lamp"], "Both are there.")
    items = desk.server.requests[1].items
    asked, answered = (
        [item["call_id"] for item in items if item.get("type") == kind]
        for kind in ("function_call", "function_call_output")
    )
    assert sorted(asked) == sorted(answered)
    assert len({*asked, ""}) == 3


async def test_refusal_is_an_answer_and_neither_tried_again_nor_hidden(desk: Desk) -> None:
    desk.server.enqueue(Reply(refusal="I will not."))
    with pytest.raises(ModelRefusalError):
        await desk.ask(agent=Agent(name="A", output_type=Weather))
    assert len(desk.server.requests) == 1
    assert len(desk.scope.calls) == 1


async def test_output_that_is_no_json_is_an_answer_and_fails_the_run(desk: Desk) -> None:
    desk.server.enqueue(Reply(text='{"city": "Ber'))
    with pytest.raises(ModelBehaviorError):
        await desk.ask(agent=Agent(name="A", output_type=Weather))
    assert len(desk.server.requests) == 1


async def test_tool_arguments_that_are_no_json_go_back_to_the_model_as_an_error(desk: Desk) -> None:
    @function_tool
    def look_up(city: str) -> str:
        """Look up a city."""
        raise AssertionError(f"The tool ran with {city!r}.")

    desk.server.enqueue(Reply(calls=(ToolCall("look_up", '{"city": '),)), Reply(text="Sorry."))
    result = await desk.ask(agent=Agent(name="A", tools=[look_up]))
    assert result.final_output == "Sorry."
    [output] = [item for item in desk.server.requests[1].items if item.get("type") == "function_call_output"]
    assert "error" in output["output"]


@pytest.mark.parametrize("protocol", ["responses"])
async def test_answer_cut_short_by_its_limit_is_counted_and_fails_the_run(desk: Desk) -> None:
    desk.server.enqueue(Reply(text="Half a", stopped_by="max_output_tokens"))
    with pytest.raises(ModelBehaviorError, match="incomplete"):
        await desk.ask()
    assert len(desk.server.requests) == 1
    assert len(desk.scope.calls) == 1
