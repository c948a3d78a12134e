from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from agents import Agent, Model, ModelSettings, ModelTracing, RunConfig, Runner, Usage
from agents.testing import ModelStep, ScriptedModel
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from triage.domain import EventKind
from triage.errors import ModelUnavailable
from triage.llm.breaker import ModelBreaker
from triage.llm.chain import ChainLink, ModelChain
from triage.llm.durable import DurableModel
from triage.llm.faults import ModelFault
from triage.scope import NoEvents, RunScope, enter_scope


class Records:
    """Steps that are kept as JSON text, and a replay that reads them again."""

    def __init__(self, kept: list[str] | None = None) -> None:
        self.kept = kept if kept is not None else []
        self.names: list[str] = []
        self._replayed = list(self.kept)

    async def run(self, name: str, work: Callable[[], Awaitable[Any]], *, once: bool = False) -> Any:
        self.names.append(name)
        if self._replayed:
            return json.loads(self._replayed.pop(0))
        self.kept.append(json.dumps(await work()))
        return json.loads(self.kept[-1])


class Events(NoEvents):
    def __init__(self) -> None:
        self.keys: list[tuple[EventKind, str]] = []

    def emit(self, kind: EventKind, key: str, *, duration_ms: int | None = None, **payload: Any) -> None:
        self.keys.append((kind, key))


def says(text: str) -> ResponseOutputMessage:
    part = ResponseOutputText(type="output_text", text=text, annotations=[])
    return ResponseOutputMessage(id="msg_1", type="message", role="assistant", status="completed", content=[part])


def calls(name: str, arguments: str = "{}") -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(type="function_call", call_id="call_1", name=name, arguments=arguments)


def durable(*models: Model, retries: int = 0, timeout_s: float = 5.0) -> DurableModel:
    links = [
        ChainLink(f"model-{number}", lambda model=model: model, ModelBreaker(f"model-{number}"))  # type: ignore[misc]
        for number, model in enumerate(models)
    ]
    return DurableModel(role="writer", chain=ModelChain(links, retries=retries, timeout_s=timeout_s))


async def run(model: Model, scope: RunScope, *, streamed: bool) -> Any:
    enter_scope(scope)
    agent = Agent(name="A", model=model)
    config = RunConfig(tracing_disabled=True)
    if not streamed:
        return (await Runner.run(agent, "Hello", run_config=config)).final_output
    result = Runner.run_streamed(agent, "Hello", run_config=config)
    async for _ in result.stream_events():
        pass
    return result.final_output


@pytest.mark.parametrize("streamed", [True, False])
async def test_replay_gives_the_same_answer_without_asking_again(streamed: bool) -> None:
    scripted = ScriptedModel([ModelStep(output=[says("Hello back.")], usage=Usage(input_tokens=7, output_tokens=3))])
    first, events = RunScope(run_id="r", steps=(records := Records())), Events()
    first.events = events
    assert await run(durable(scripted), first, streamed=streamed) == "Hello back."

    again = RunScope(run_id="r", steps=Records(records.kept), events=events, is_replay=True)
    assert await run(durable(ScriptedModel([])), again, streamed=streamed) == "Hello back."
    assert again.calls == first.calls
    assert first.calls[0].usage.input_tokens == 7
    assert records.names == ["model:writer"]
    # The event of the replay has the key of the first one, so that the log keeps one of them.
    assert [kind for kind, _ in events.keys] == [EventKind.MODEL_COMPLETED] * 2
    assert len(set(events.keys)) == 1


async def test_replay_yields_nothing_but_the_recorded_end() -> None:
    records = Records()
    scope = RunScope(run_id="r", steps=records)
    await run(durable(ScriptedModel([ModelStep(output=[says("Hello.")])])), scope, streamed=True)
    enter_scope(RunScope(run_id="r", steps=Records(records.kept)))
    assert [event.type async for event in stream(durable(ScriptedModel([])))] == ["response.completed"]


async def test_two_calls_of_a_server_that_repeats_its_ids_are_two_events() -> None:
    model = durable(ScriptedModel([ModelStep(output=[says("One.")]), ModelStep(output=[says("Two.")])]))
    scope, events = RunScope(run_id="r"), Events()
    scope.events = events
    await run(model, scope, streamed=True)
    await run(model, scope, streamed=True)
    assert len(set(events.keys)) == 2


async def test_record_keeps_only_the_fields_that_the_model_set() -> None:
    records = Records()
    enter_scope(RunScope(run_id="r", steps=records))
    events = [event async for event in stream(durable(ScriptedModel([ModelStep(output=[calls("look_up")])])))]
    [item] = events[-1].response.output
    assert isinstance(item, ResponseFunctionToolCall)
    assert item.model_dump(exclude_unset=True) == calls("look_up").model_dump(exclude_unset=True)


async def test_the_request_that_a_server_repeats_is_not_recorded() -> None:
    events = [
        event
        async for event in ScriptedModel([ModelStep(output=[says("Hello.")])]).stream_response(*ARGUMENTS, **OPTIONS)
    ]
    events[-1].response.instructions = "You are an agent. " * 100
    events[-1].response.metadata = {"repeated": "metadata"}
    scope = RunScope(run_id="r", steps=(records := Records()))
    model = durable(ScriptedModel([ModelStep(stream_events=events)]))
    assert await run(model, scope, streamed=True) == "Hello."
    assert "You are an agent" not in records.kept[0]
    assert "repeated" not in records.kept[0]


async def test_an_answer_that_breaks_the_protocol_is_taken_as_it_is() -> None:
    events = [
        event
        async for event in ScriptedModel([ModelStep(output=[says("Hello.")])]).stream_response(*ARGUMENTS, **OPTIONS)
    ]
    events[-1].response.status = "of its own"
    scope = RunScope(run_id="r", steps=(records := Records()))
    model = durable(ScriptedModel([ModelStep(stream_events=events)]))
    assert await run(model, scope, streamed=True) == "Hello."
    assert json.loads(records.kept[0])["response"]["status"] == "of its own"


async def test_second_model_answers_as_fallback_with_its_attempts_on_record() -> None:
    down = ScriptedModel([ModelStep.raise_error(ModelFault("down", is_passing=False))])
    records = Records()
    scope = RunScope(run_id="r", steps=records)
    assert await run(durable(down, ScriptedModel([ModelStep(output=[says("Spare.")])])), scope, streamed=True)
    assert (scope.calls[0].model, scope.calls[0].is_fallback) == ("model-1", True)
    attempts = json.loads(records.kept[0])["attempts"]
    assert [(attempt["model"], attempt["fault"]) for attempt in attempts] == [("model-0", "down"), ("model-1", None)]


async def test_unknown_price_stays_unknown() -> None:
    scope = RunScope(run_id="r", steps=Records())
    step = ModelStep(output=[says("Hi.")], usage=Usage(input_tokens=7, output_tokens=3))
    await run(durable(ScriptedModel([step])), scope, streamed=True)
    assert scope.calls[0].cost_usd is None


async def test_known_price_is_kept_exactly() -> None:
    scope = RunScope(run_id="r", steps=Records())
    step = ModelStep(output=[says("Hi.")], usage=Usage(input_tokens=1000, output_tokens=100))
    link = ChainLink("gpt-4o", lambda: ScriptedModel([step]), ModelBreaker("gpt-4o"))
    await run(DurableModel(role="writer", chain=ModelChain([link], retries=0, timeout_s=5)), scope, streamed=True)
    assert scope.calls[0].cost_usd == Decimal("0.0035")


async def test_without_any_model_left_the_error_says_so_and_nothing_is_kept() -> None:
    records = Records()
    down = ScriptedModel([ModelStep.raise_error(ModelFault("down", is_passing=False))])
    with pytest.raises(ModelUnavailable):
        await run(durable(down), RunScope(run_id="r", steps=records), streamed=True)
    assert records.kept == []


async def test_error_of_our_own_is_not_taken_for_an_outage() -> None:
    broken = ScriptedModel([ModelStep.raise_error(ZeroDivisionError("ours"))])
    spare = ScriptedModel([ModelStep(output=[says("Spare.")])])
    with pytest.raises(ZeroDivisionError):
        await run(durable(broken, spare), RunScope(run_id="r"), streamed=True)


async def test_items_that_came_only_one_by_one_are_in_the_record() -> None:
    whole = ScriptedModel([ModelStep(output=[says("Hello.")])])
    events = [event async for event in whole.stream_response(*ARGUMENTS, **OPTIONS)]
    events[-1].response.output = []
    scope = RunScope(run_id="r", steps=(records := Records()))
    model = durable(ScriptedModel([ModelStep(stream_events=events)]))
    assert await run(model, scope, streamed=True) == "Hello."
    assert json.loads(records.kept[0])["response"]["output"]


async def test_closing_the_stream_early_cancels_the_step_and_keeps_nothing() -> None:
    endless = Endless()
    records = Records()
    scope = RunScope(run_id="r", steps=records)
    enter_scope(scope)
    events = stream(durable(endless))
    assert (await anext(events)).type == "response.created"
    await events.aclose()
    assert endless.was_closed
    assert records.kept == []
    assert scope.calls == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Lingering(ScriptedModel):
    """A model whose stream stays open behind its answer."""

    def __init__(self) -> None:
        super().__init__([ModelStep(output=[says("Hello.")])])
        self.is_answered = asyncio.Event()
        self.ends = asyncio.Event()

    async def stream_response(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        async for event in super().stream_response(*arguments, **options):
            yield event
        self.is_answered.set()
        await self.ends.wait()


@pytest.mark.parametrize("streamed", [True, False])
async def test_an_answer_that_came_before_the_run_is_stopped_is_kept_and_counted(streamed: bool) -> None:
    lingering = Lingering()
    scope = RunScope(run_id="r", steps=(records := Records()))
    work = asyncio.create_task(run(durable(lingering), scope, streamed=streamed))
    await lingering.is_answered.wait()
    work.cancel()
    lingering.ends.set()
    await asyncio.wait({work})
    assert work.cancelled()
    assert len(records.kept) == 1
    again = RunScope(run_id="r", steps=Records(records.kept))
    assert await run(durable(ScriptedModel([])), again, streamed=streamed) == "Hello."
    assert scope.calls == again.calls


async def test_silence_longer_than_the_limit_is_a_fault() -> None:
    endless = Endless()
    spare = ScriptedModel([ModelStep(output=[says("Spare.")])])
    scope = RunScope(run_id="r", steps=Records())
    assert await run(durable(endless, spare, timeout_s=0.05), scope, streamed=False) == "Spare."
    assert endless.was_closed


ARGUMENTS: tuple[Any, ...] = (None, "Hello", ModelSettings(), [], None, [], ModelTracing.DISABLED)
OPTIONS: dict[str, Any] = {"previous_response_id": None, "conversation_id": None, "prompt": None}


def stream(model: DurableModel) -> Any:
    return model.stream_response(*ARGUMENTS, **OPTIONS)


class Endless(ScriptedModel):
    """Begins an answer and never goes on."""

    def __init__(self) -> None:
        super().__init__([])
        self.was_closed = False

    async def stream_response(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
        begun = ScriptedModel([ModelStep(output=[says("Hello.")])])
        try:
            async for event in begun.stream_response(*arguments, **options):
                yield event
                await asyncio.Event().wait()
        finally:
            self.was_closed = True
