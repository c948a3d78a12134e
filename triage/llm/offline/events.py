"""A finished response as the events of a stream, in the order that the Responses API sends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from agents.items import TResponseStreamEvent
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionCallArgumentsDoneEvent,
    ResponseFunctionToolCall,
    ResponseInProgressEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)

_WORD = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+$")


def stream_events(response: Response, *, by_word: bool) -> Iterator[TResponseStreamEvent]:
    """Yield the events of ``response``, numbered; text comes in words when ``by_word``, else in one piece."""
    for number, event in enumerate(_events(response, by_word=by_word)):
        event.sequence_number = number
        yield cast("TResponseStreamEvent", event)


def _events(response: Response, *, by_word: bool) -> Iterator[Any]:
    begun = response.model_copy(update={"output": [], "status": "in_progress", "usage": None})
    yield ResponseCreatedEvent(type="response.created", response=begun, sequence_number=0)
    yield ResponseInProgressEvent(type="response.in_progress", response=begun, sequence_number=0)
    for index, item in enumerate(response.output):
        if isinstance(item, ResponseOutputMessage):
            yield from _message_events(item, index, by_word=by_word)
        elif isinstance(item, ResponseFunctionToolCall):
            yield from _call_events(item, index)
    yield ResponseCompletedEvent(type="response.completed", response=response, sequence_number=0)


def _message_events(item: ResponseOutputMessage, index: int, *, by_word: bool) -> Iterator[Any]:
    opened = item.model_copy(update={"content": [], "status": "in_progress"})
    yield ResponseOutputItemAddedEvent(
        type="response.output_item.added", item=opened, output_index=index, sequence_number=0
    )
    for content_index, part in enumerate(item.content):
        if isinstance(part, ResponseOutputText):
            yield from _text_events(part, item.id, index, content_index, by_word=by_word)
    yield ResponseOutputItemDoneEvent(
        type="response.output_item.done", item=item, output_index=index, sequence_number=0
    )


def _text_events(
    part: ResponseOutputText, item_id: str, index: int, content_index: int, *, by_word: bool
) -> Iterator[Any]:
    place: dict[str, Any] = {
        "item_id": item_id,
        "output_index": index,
        "content_index": content_index,
        "sequence_number": 0,
    }
    empty = part.model_copy(update={"text": ""})
    yield ResponseContentPartAddedEvent(type="response.content_part.added", part=empty, **place)
    for piece in _pieces(part.text, by_word=by_word):
        yield ResponseTextDeltaEvent(type="response.output_text.delta", delta=piece, logprobs=[], **place)
    yield ResponseTextDoneEvent(type="response.output_text.done", text=part.text, logprobs=[], **place)
    yield ResponseContentPartDoneEvent(type="response.content_part.done", part=part, **place)


def _pieces(text: str, *, by_word: bool) -> list[str]:
    return _WORD.findall(text) if by_word else [text]


def _call_events(item: ResponseFunctionToolCall, index: int) -> Iterator[Any]:
    place: dict[str, Any] = {"item_id": item.id or item.call_id, "output_index": index, "sequence_number": 0}
    opened = item.model_copy(update={"arguments": "", "status": "in_progress"})
    yield ResponseOutputItemAddedEvent(
        type="response.output_item.added", item=opened, output_index=index, sequence_number=0
    )
    yield ResponseFunctionCallArgumentsDeltaEvent(
        type="response.function_call_arguments.delta", delta=item.arguments, **place
    )
    yield ResponseFunctionCallArgumentsDoneEvent(
        type="response.function_call_arguments.done", arguments=item.arguments, name=item.name, **place
    )
    yield ResponseOutputItemDoneEvent(
        type="response.output_item.done", item=item, output_index=index, sequence_number=0
    )
