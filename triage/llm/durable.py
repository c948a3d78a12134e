"""A model whose every call is a durable step of the run: what it answered once is not asked again after a kill."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from agents import Model, ModelBehaviorError, ModelResponse
from agents import Usage as SdkUsage
from agents.items import TResponseStreamEvent
from openai.types.responses import Response, ResponseCompletedEvent, ResponseIncompleteEvent
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails
from pydantic import ValidationError

from triage.domain import EventKind, Usage
from triage.llm.chain import Answer, ModelCall, ModelChain, Relay
from triage.llm.surrogates import mend
from triage.nesting import is_deep_text
from triage.scope import ModelCallRecord, current_scope

Outcome = dict[str, Any]

# Whose words are shown as they come; what the others stream is the JSON of a result, which nobody reads by halves.
_SHOWN = frozenset({"writer"})

# What the runner reads of a response. Servers repeat the request in it - instructions, tools, schemas - which is most
# of its size and is in no record twice.
_KEPT = {"id", "object", "created_at", "model", "status", "output", "usage", "incomplete_details", "error"}
# Fields of the repeated request that the type asks for.
_NOT_KEPT: Outcome = {"tools": [], "tool_choice": "auto", "parallel_tool_calls": False}
# Arguments that are nested too deep are cut to so many characters, with a mark that says why. They are no JSON then, so
# the tool refuses them and the model is told; nothing behind this, the SDK least of all, could read the whole.
_SHOWN_OF_DEEP = 200
DEEP_MARK = " … (cut here: nested too deep to be read)"


class DurableModel(Model):
    """Asks its chain inside one durable step per call; outside of a run it asks right away.

    ``stream_response`` passes the events of the writer's model on while the step runs and ends with the recorded
    answer; of the other roles, and after a kill, only the recorded answer comes. A second ``response.created`` in one
    stream means that the call was started again, so whoever shows the text has to drop what came before it.
    """

    def __init__(self, *, role: str, chain: ModelChain) -> None:
        self.role = role
        self.chain = chain

    async def get_response(self, *arguments: Any, **options: Any) -> ModelResponse:
        """Answer in one piece; the provider is asked for a stream all the same, so that a silence is noticed.

        Raises:
            ModelRequestError: the request itself was refused.
            ModelUnavailable: no model answered.
            ModelBehaviorError: the model stopped before the end of its answer.
        """
        call = ModelCall(*arguments, **options)
        step = asyncio.create_task(self._step(call, None))
        try:
            outcome = await asyncio.shield(step)
        except BaseException:
            await self._let_go(call, step)
            raise
        self._keep(outcome)
        response = _response_of(outcome)
        if not outcome["is_complete"]:
            reason = getattr(response.incomplete_details, "reason", None) or "unknown reason"
            raise ModelBehaviorError(f"The model stopped before the end of its answer ({reason}).")
        return ModelResponse(
            output=response.output,
            usage=_sdk_usage(Usage(**outcome["usage"])),
            response_id=response.id,
            request_id=outcome["request_id"],
        )

    async def stream_response(self, *arguments: Any, **options: Any) -> AsyncGenerator[TResponseStreamEvent, None]:
        """Answer as a stream of events that ends with the recorded answer.

        Raises:
            ModelRequestError: the request itself was refused.
            ModelUnavailable: no model answered.
        """
        call = ModelCall(*arguments, **options)
        events: asyncio.Queue[TResponseStreamEvent | None] = asyncio.Queue()
        step = asyncio.create_task(self._step(call, events.put_nowait if self.role in _SHOWN else None))

        def close(done: asyncio.Task[Outcome]) -> None:
            # Looking at the error here keeps asyncio quiet about a step whose consumer has gone.
            if not done.cancelled():
                done.exception()
            events.put_nowait(None)

        step.add_done_callback(close)
        try:
            while (event := await events.get()) is not None:
                yield event
            outcome = await step
        except BaseException:
            await self._let_go(call, step)
            raise
        self._keep(outcome)
        yield _closing_event(outcome)

    async def _step(self, call: ModelCall, relay: Relay | None) -> Outcome:
        async def work() -> Outcome:
            return _outcome_of(await self.chain.answer(call, relay))

        if (scope := current_scope()) is None:
            return await work()
        scope.turn.give()
        outcome: Outcome = await scope.steps.run(f"model:{self.role}", work)
        await scope.turn.take()
        return outcome

    async def _let_go(self, call: ModelCall, step: asyncio.Task[Outcome]) -> None:
        """Stop a step for which nobody waits any more; one that is answered comes to its end, which is near.

        Else its answer would be paid for and asked for again.
        """
        if not call.is_answered:
            step.cancel()
        is_cancelled_again = False
        while not step.done():
            try:
                await asyncio.wait({step})
            except asyncio.CancelledError:
                # The runner cancels more than once, and whoever waits for it may write the end of the run right after.
                is_cancelled_again = True
        if not step.cancelled() and step.exception() is None:
            self._keep(step.result())
        if is_cancelled_again:
            raise asyncio.CancelledError

    def _keep(self, outcome: Outcome) -> None:
        """Count the call and tell the run; the event's key comes from the record, so a replay adds no second one."""
        scope = current_scope()
        if scope is None:
            return
        cost = outcome["cost_usd"]
        scope.calls.append(
            ModelCallRecord(
                role=self.role,
                model=outcome["model"],
                usage=Usage(**outcome["usage"]),
                cost_usd=None if cost is None else Decimal(cost),
                duration_ms=outcome["duration_ms"],
                is_fallback=outcome["is_fallback"],
            )
        )
        tokens = {name: count for name, count in outcome["usage"].items() if name != "requests"}
        scope.events.emit(
            EventKind.MODEL_COMPLETED,
            f"model:{outcome['id']}",
            duration_ms=outcome["duration_ms"],
            role=self.role,
            model=outcome["model"],
            cost_usd=cost,
            is_fallback=outcome["is_fallback"],
            **tokens,
        )


def _outcome_of(answer: Answer) -> Outcome:
    """Return the answer as JSON.

    Only fields that the provider set are kept: the runner sends output items back as they are set, and servers refuse
    some fields that are there but null. Half characters are mended here and arguments without end cut, before anything
    rests on the answer.
    """
    response = answer.response
    kept = response.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False, include=_KEPT)
    for item in kept["output"]:
        if item.get("call_id") == "":
            # Some servers number no calls; the SDK refuses such a call, and nothing could tell two of them apart.
            item["call_id"] = f"call_{uuid.uuid4().hex}"
        if isinstance(arguments := item.get("arguments"), str) and is_deep_text(arguments):
            item["arguments"] = f"{arguments[:_SHOWN_OF_DEEP]}{DEEP_MARK}"
    return {
        # Servers number their answers as they like, so the record has an id of its own.
        "id": uuid.uuid4().hex,
        "response": mend(kept),
        "request_id": getattr(response, "_request_id", None),
        "is_complete": answer.is_complete,
        "model": answer.model,
        "usage": answer.usage.model_dump(),
        "cost_usd": None if answer.cost_usd is None else str(answer.cost_usd),
        "duration_ms": answer.duration_ms,
        "is_fallback": answer.is_fallback,
        "attempts": [asdict(attempt) for attempt in answer.attempts],
    }


def _sdk_usage(usage: Usage) -> SdkUsage:
    return SdkUsage(
        requests=usage.requests,
        input_tokens=usage.input_tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=usage.cached_tokens, cache_write_tokens=0),
        output_tokens=usage.output_tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=usage.reasoning_tokens),
        total_tokens=usage.total_tokens,
    )


def _closing_event(outcome: Outcome) -> TResponseStreamEvent:
    """Build the last event of a stream from the record, for a first run and for a replay alike."""
    response = _response_of(outcome)
    if outcome["is_complete"]:
        return ResponseCompletedEvent(type="response.completed", response=response, sequence_number=0)
    return ResponseIncompleteEvent(type="response.incomplete", response=response, sequence_number=0)


def _response_of(outcome: Outcome) -> Response:
    """Build the response from the record; what breaks the rules of the protocol is taken as it is."""
    fields = {**_NOT_KEPT, **outcome["response"]}
    try:
        # Checked building is compiled and takes a third of the time.
        return Response.model_validate(fields)
    except ValidationError:
        return Response.construct(**fields)
