"""Gets one answer out of several models: tries again, then asks the next one."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import structlog
from agents import Model
from agents.agent_output import AgentOutputSchemaBase
from agents.handoffs import Handoff
from agents.items import TResponseInputItem, TResponseStreamEvent
from agents.model_settings import ModelSettings
from agents.models.interface import ModelTracing
from agents.tool import Tool
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseIncompleteEvent,
    ResponseOutputItem,
    ResponseOutputItemDoneEvent,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response_prompt_param import ResponsePromptParam

from triage.domain import EventKind, Usage, utc_now
from triage.errors import ModelRequestError, ModelUnavailable
from triage.llm.breaker import ModelBreaker
from triage.llm.faults import LONGEST_WAIT_S, ModelFault, fault_of, fault_of_event
from triage.llm.length import PIECES, require_length, require_length_of
from triage.llm.prices import cost_of_call, usage_of
from triage.llm.silence import unless_silent
from triage.llm.surrogates import mend_text
from triage.scope import AskedCall, asking, current_scope

FIRST_WAIT_S = 0.5
LONGEST_BACKOFF_S = 8.0
DRAIN_S = 0.5
_ENDS = frozenset({"response.completed", "response.incomplete"})

Relay = Callable[[TResponseStreamEvent], None]
Sleep = Callable[[float], Awaitable[None]]
log = structlog.get_logger(__name__)


@dataclass
class ModelCall:
    """The arguments of one call, as the runner gives them; ``is_answered`` once a whole answer has come."""

    system_instructions: str | None
    input: str | list[TResponseInputItem]
    model_settings: ModelSettings
    tools: list[Tool]
    output_schema: AgentOutputSchemaBase | None
    handoffs: list[Handoff]
    tracing: ModelTracing
    previous_response_id: str | None = None
    conversation_id: str | None = None
    prompt: ResponsePromptParam | None = None
    is_answered: bool = field(default=False, init=False)

    def stream(self, model: Model) -> AsyncGenerator[TResponseStreamEvent, None]:
        """Ask ``model`` and return its stream."""
        stream = model.stream_response(
            self.system_instructions,
            self.input,
            self.model_settings,
            self.tools,
            self.output_schema,
            self.handoffs,
            self.tracing,
            previous_response_id=self.previous_response_id,
            conversation_id=self.conversation_id,
            prompt=self.prompt,
        )
        return cast("AsyncGenerator[TResponseStreamEvent, None]", stream)


@dataclass(frozen=True)
class ChainLink:
    """One model of a chain; ``model`` gives the object to use in the running event loop."""

    name: str
    model: Callable[[], Model]
    breaker: ModelBreaker


@dataclass(frozen=True)
class Attempt:
    """One try of one model; ``fault`` is None for the one that answered."""

    model: str
    duration_ms: int
    fault: str | None = None


@dataclass(frozen=True)
class StreamEnd:
    """How the stream of one try ended, and what the try has cost."""

    response: Response
    is_complete: bool
    usage: Usage
    cost_usd: Decimal | None


@dataclass(frozen=True)
class Answer:
    """What the chain came to; ``is_complete`` is false when the model stopped at its length limit or a filter.

    ``cost_usd`` is None where no price is known.
    """

    response: Response
    is_complete: bool
    model: str
    is_fallback: bool
    usage: Usage
    cost_usd: Decimal | None
    duration_ms: int
    attempts: list[Attempt] = field(default_factory=list)


class ModelChain:
    """Models in the order in which they are asked.

    A passing fault is tried again ``retries`` times after a growing wait, any other one goes on to the next model at
    once. ``timeout_s`` is the longest silence between two events of a stream.
    """

    def __init__(
        self, links: Sequence[ChainLink], *, retries: int, timeout_s: float, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.links = tuple(links)
        self._retries = retries
        self._timeout_s = timeout_s
        self._sleep = sleep

    async def answer(self, call: ModelCall, relay: Relay | None) -> Answer:
        """Get an answer and pass the stream events before its end on to ``relay``, if anybody waits for them.

        A further try begins with another ``response.created`` event, which makes the text before it void.

        Raises:
            ModelRequestError: a model refused the request itself.
            ModelUnavailable: no model answered.
        """
        start = time.monotonic()
        attempts: list[Attempt] = []
        for position, link in enumerate(self.links):
            try:
                end = await self._persist(link, call, relay, attempts)
            except ModelFault as fault:
                self._tell_fallback(position, fault)
                continue
            return Answer(
                response=end.response,
                is_complete=end.is_complete,
                model=link.name,
                is_fallback=position > 0,
                usage=end.usage,
                cost_usd=end.cost_usd,
                duration_ms=_ms_since(start),
                attempts=attempts,
            )
        raise ModelUnavailable("No model answered; try again later or name a fallback in TRIAGE_FALLBACK_MODELS.")

    async def _persist(
        self, link: ChainLink, call: ModelCall, relay: Relay | None, attempts: list[Attempt]
    ) -> StreamEnd:
        """Ask one model until it answers, its fault is not passing or the tries are used up."""
        for tried in range(self._retries + 1):
            start = time.monotonic()
            try:
                with link.breaker.watching():
                    answered = await self._ask(link, call, relay, is_retry=tried > 0)
            except ModelFault as fault:
                attempts.append(Attempt(link.name, _ms_since(start), fault.reason))
                log.warning("model call failed", model=link.name, reason=fault.reason, attempt=tried + 1)
                if tried == self._retries or not fault.is_passing or link.breaker.is_open:
                    raise
                await self._wait(link, fault, tried)
            else:
                attempts.append(Attempt(link.name, _ms_since(start)))
                return answered
        raise AssertionError("The last try either answers or raises.")

    async def _ask(self, link: ChainLink, call: ModelCall, relay: Relay | None, *, is_retry: bool) -> StreamEnd:
        """Ask one model once; what the provider raises leaves as a fault where it is an outage."""
        try:
            is_fallback = link is not self.links[0]
            with asking(link.name, is_retry=is_retry, is_fallback=is_fallback, is_watched=relay is not None) as asked:
                async with contextlib.aclosing(call.stream(link.model())) as stream:
                    return await self._read(call, stream, relay, asked)
        except (ModelFault, ModelRequestError):
            raise
        except Exception as error:
            if (fault := fault_of(error)) is None:
                raise
            raise fault from error

    async def _read(
        self,
        call: ModelCall,
        stream: AsyncGenerator[TResponseStreamEvent, None],
        relay: Relay | None,
        asked: AskedCall,
    ) -> StreamEnd:
        """Read a stream to its end; finished items stay back, because the runner takes them from the answer."""
        items: list[ResponseOutputItem] = []
        length = 0
        started_at = utc_now()
        async with unless_silent(self._timeout_s) as silence:
            async for event in stream:
                silence.heard()
                if (fault := fault_of_event(event)) is not None:
                    raise fault
                # Asking for the class of an event of fifty is slow, its name is a word.
                if event.type in _ENDS and isinstance(event, ResponseCompletedEvent | ResponseIncompleteEvent):
                    # Some servers send finished items one by one and leave the closing list empty.
                    event.response.output = event.response.output or items
                    require_length_of(event.response.output)
                    usage = usage_of(event.response)
                    # Before the stream ends, because its span ends with it and says what the call has cost.
                    asked.cost_usd = cost_of_call(asked.model, event.response.model, usage, started_at)
                    asked.is_priced = True
                    call.is_answered = True
                    await _drain(stream)
                    return StreamEnd(event.response, isinstance(event, ResponseCompletedEvent), usage, asked.cost_usd)
                if event.type in PIECES:
                    require_length(length := length + len(event.delta))  # type: ignore[union-attr, arg-type]
                if event.type == "response.output_item.done" and isinstance(event, ResponseOutputItemDoneEvent):
                    items.append(event.item)
                    require_length_of(items)
                elif relay is not None:
                    if event.type == "response.output_text.delta" and isinstance(event, ResponseTextDeltaEvent):
                        event.delta = mend_text(event.delta)
                    relay(event)
        raise ModelFault("the stream broke off", is_passing=True)

    async def _wait(self, link: ChainLink, fault: ModelFault, tried: int) -> None:
        backoff = min(FIRST_WAIT_S * 2**tried, LONGEST_BACKOFF_S) * random.uniform(0.5, 1.0)  # noqa: S311 - spread only
        seconds = backoff if fault.retry_after_s is None else min(fault.retry_after_s, LONGEST_WAIT_S)
        _emit(
            EventKind.MODEL_RETRIED,
            model=link.name,
            reason=fault.reason,
            wait_ms=round(seconds * 1000),
            attempt=tried + 1,
        )
        await self._sleep(seconds)

    def _tell_fallback(self, position: int, fault: ModelFault) -> None:
        if position + 1 < len(self.links):
            before, after = self.links[position].name, self.links[position + 1].name
            log.warning("model fell back", model=before, next_model=after, reason=fault.reason)
            _emit(EventKind.MODEL_FELL_BACK, **{"from": before, "to": after, "reason": fault.reason})


async def _drain(stream: AsyncGenerator[TResponseStreamEvent, None]) -> None:
    """Read what follows the end, so that the connection can be used again; nothing there matters any more."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(DRAIN_S):
            while await anext(stream, None) is not None:
                pass


def _emit(kind: EventKind, **payload: Any) -> None:
    """Tell the run; the key is random, because a replay does not come here."""
    if (scope := current_scope()) is not None:
        scope.events.emit(kind, f"{kind}:{uuid.uuid4().hex}", **payload)


def _ms_since(start: float) -> int:
    return round((time.monotonic() - start) * 1000)
