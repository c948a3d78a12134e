"""Connections to OpenAI and to servers that speak its protocols."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import aiohttp
import httpx2
from agents import ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, get_current_span
from agents.tracing import ResponseSpanData
from agents.util import _json as sdk_json
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient, NotGiven, Omit, Timeout
from openai.resources.chat import AsyncChat, AsyncCompletions
from openai.resources.responses import AsyncResponses
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, ValidationError

from triage.llm.faults import ModelFault, called_by_name, is_lost_connection
from triage.llm.readable import is_readable_chunk, is_readable_event
from triage.llm.server_events import EventDecoder
from triage.scope import asked_call

OPENAI_URL = "https://api.openai.com/v1"
LONGEST_CONNECT_S = 10.0
_WORDS_AND_NUMBERS = frozenset({str, int, float, bool})
# The client insists on the first for chat completions and acts on the others.
_THE_CLIENTS_OWN = frozenset({"model", "stream", "timeout"})
_CLOSING = frozenset({"response.completed", "response.failed", "response.incomplete", "error", "response.error"})


# The event of a response's stream by its ``type``.
_EVENTS: dict[str, type[BaseModel]] = {
    name: event
    for event in get_args(get_args(ResponseStreamEvent)[0])
    for name in get_args(event.model_fields["type"].annotation)
}


_READABLE: dict[Any, Callable[[Any], bool]] = {
    ResponseStreamEvent: is_readable_event,
    ChatCompletionChunk: is_readable_chunk,
}

copy_of_tools = sdk_json._to_dump_compatible_internal  # noqa: SLF001 - how the SDK copies the tools for each request


def quick_copy_of_tools(obj: Any) -> Any:
    """Copy a part of what is sent as the SDK does, which asks of each word first whether it is a mapping or a list."""
    kind = type(obj)
    if kind is dict:
        return {name: quick_copy_of_tools(value) for name, value in obj.items()}
    if kind is list:
        return [quick_copy_of_tools(value) for value in obj]
    return obj if obj is None or kind in _WORDS_AND_NUMBERS else copy_of_tools(obj)


sdk_json._to_dump_compatible_internal = quick_copy_of_tools  # noqa: SLF001


class PlainClient(AsyncOpenAI):
    """The client over aiohttp, without its two searches, which were half of the CPU time of a run.

    Before it sends a request, the client compares each value in it with its types, to rename keys and to encode files;
    the SDK builds the long parts as they are sent. And it tries each event of a stream on each of some fifty types; the
    event says which one it is.
    """

    def _make_sse_decoder(self) -> EventDecoder:
        call = asked_call()
        return EventDecoder(is_watched=call is None or call.is_watched)

    def _process_response_data(self, *, data: Any, cast_to: Any, response: Any) -> Any:
        is_readable = _READABLE.get(cast_to)
        if is_readable is not None and not is_readable(data):
            raise ModelFault("unreadable stream", is_passing=True)
        if cast_to is ResponseStreamEvent and (event := _EVENTS.get(data.get("type", ""))):
            # What breaks the rules of the protocol goes the client's own, lenient way.
            with suppress(ValidationError):
                return event.model_validate(data)
        return super()._process_response_data(data=data, cast_to=cast_to, response=response)

    async def _send_request(self, request: httpx2.Request, *, stream: bool, **options: Any) -> httpx2.Response:
        """Send a request on a connection that is open, and call what goes wrong by its name.

        aiohttp learns from the loop that a server has closed an idle connection, so the loop looks first. Its transport
        calls a lost connection a timeout, and has no name for an answer that is no HTTP.
        """
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            return await super()._send_request(request, stream=stream, **options)
        except httpx2.TimeoutException as error:
            if is_lost_connection(error):
                raise httpx2.ConnectError("The connection was lost.", request=request) from error
            raise
        except aiohttp.ClientError as error:
            raise httpx2.RemoteProtocolError("The answer is no HTTP.", request=request) from error

    @cached_property
    def responses(self) -> AsyncResponses:
        """Return the Responses API."""
        return _PlainResponses(self)

    @cached_property
    def chat(self) -> AsyncChat:
        """Return the chat completions."""
        return _PlainChat(self)


class _PlainResponses(AsyncResponses):
    async def create(self, **options: Any) -> Any:
        return await super().create(**_sent_as_is(options, "model", "input", "tools", "text", "include"))


class _PlainChat(AsyncChat):
    @cached_property
    def completions(self) -> AsyncCompletions:
        return _PlainCompletions(self._client)


class _PlainCompletions(AsyncCompletions):
    async def create(self, **options: Any) -> Any:
        # The client insists on being given messages.
        return await super().create(**{"messages": [], **_sent_as_is(options, "messages", "tools", "response_format")})


def _sent_as_is(options: dict[str, Any], *parts: str) -> dict[str, Any]:
    """Move these parts of a request, and words and numbers, to where the client only adds them to the body."""
    body = {
        name: value
        for name, value in options.items()
        if (name in parts and not isinstance(value, Omit | NotGiven))
        or (type(value) in _WORDS_AND_NUMBERS and name not in _THE_CLIENTS_OWN)
    }
    rest = {name: value for name, value in options.items() if name not in body}
    return {**rest, "extra_body": {**body, **(options.get("extra_body") or {})}}


class ClientPool:
    """One client per event loop, because a connection belongs to the loop that opened it.

    The durable engine, the HTTP API and the command line each have a loop of their own.
    """

    def __init__(self, *, api_key: str, base_url: str | None, timeout_s: float) -> None:
        self.base_url, self._auth = _without_sign_in(base_url or OPENAI_URL)
        self._api_key = api_key
        self._timeout = Timeout(timeout_s, connect=min(timeout_s, LONGEST_CONNECT_S))
        self._clients: dict[asyncio.AbstractEventLoop, AsyncOpenAI] = {}
        self._lock = threading.Lock()

    def client(self) -> AsyncOpenAI:
        """Return the client of the running loop; it does not try again by itself, because the chain does."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._clients:
                self._clients = {known: client for known, client in self._clients.items() if not known.is_closed()}
                self._clients[loop] = PlainClient(
                    api_key=self._api_key,
                    base_url=self.base_url,
                    timeout=self._timeout,
                    max_retries=0,
                    http_client=DefaultAioHttpClient(timeout=self._timeout, auth=self._auth),
                )
            return self._clients[loop]

    async def close(self) -> None:
        """Close the connections of every loop that still runs."""
        with self._lock:
            clients, self._clients = self._clients, {}
        here = asyncio.get_running_loop()
        for loop, client in clients.items():
            if loop is here:
                await client.close()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(client.close(), loop))


def _without_sign_in(address: str) -> tuple[str, tuple[str, str] | None]:
    """Take a name and a password out of an address: aiohttp refuses a request that has them there and a key as well."""
    parts = urlsplit(address)
    if parts.username is None and parts.password is None:
        return address, None
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl(), (unquote(parts.username or ""), unquote(parts.password or ""))


class WholeAnswerChatModel(OpenAIChatCompletionsModel):
    """Chat completions that notice a stream which stops without a finish reason, and ask for the token counts.

    The SDK does both only for OpenAI's own address; at any other one half a reply would pass for a whole one.
    """

    async def _fetch_response(  # type: ignore[override]
        self, instructions: Any, items: Any, model_settings: ModelSettings, *rest: Any, **options: Any
    ) -> Any:
        if model_settings.include_usage is None:
            model_settings = replace(model_settings, include_usage=True)
        with called_by_name():
            fetched = await super()._fetch_response(instructions, items, model_settings, *rest, **options)
        if isinstance(fetched, tuple):
            response, stream = fetched
            return response, _WholeStream(stream)
        return fetched


class WholeAnswerResponsesModel(OpenAIResponsesModel):
    """The Responses API that notices a stream without a closing event, so that its span carries the error."""

    async def _fetch_response(self, *arguments: Any, **options: Any) -> Any:
        with called_by_name():
            fetched = await super()._fetch_response(*arguments, **options)
        return _ClosedStream(fetched) if options.get("stream") else fetched


class _ClosedStream:
    """A stream of response events that fails when the last of them is missing; after it, nothing can fail any more.

    Where the connection is lost behind the whole answer, the call has not failed, so its span must not say so.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[Any]:
        is_closed = False
        try:
            with called_by_name():
                async for event in self._stream:
                    is_closed = is_closed or event.type in _CLOSING
                    if event.type == "response.incomplete":
                        _tell_usage(event.response)
                    yield event
        except Exception:
            if not is_closed:
                raise
        if not is_closed:
            raise ModelFault("the stream broke off", is_passing=True)

    async def close(self) -> None:
        await self._stream.close()


def _tell_usage(response: Response) -> None:
    """Write the tokens of half an answer on its span: they cost money, and the SDK tells those of a whole one only."""
    span = get_current_span()
    if span is not None and isinstance(span.span_data, ResponseSpanData) and response.usage is not None:
        span.span_data.usage = response.usage.model_dump()


class _WholeStream:
    """A stream of chunks that fails when the answer has no end; the SDK reads ``response`` for the request id."""

    def __init__(self, stream: AsyncStream[ChatCompletionChunk]) -> None:
        self.response = stream.response
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[ChatCompletionChunk]:
        is_finished = False
        with called_by_name():
            async for chunk in self._stream:
                is_finished = is_finished or any(choice.finish_reason for choice in chunk.choices or ())
                yield chunk
        if not is_finished:
            raise ModelFault("the stream broke off", is_passing=True)

    async def close(self) -> None:
        await self._stream.close()
