"""Our reader of server-sent events finds what the client's own finds, however the stream is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from agents.util import _json as sdk_json
from openai import omit
from openai._streaming import SSEDecoder

from triage.llm.clients import _sent_as_is, copy_of_tools, quick_copy_of_tools
from triage.llm.faults import ModelFault
from triage.llm.server_events import SIGN_OF_LIFE_S, EventDecoder

STREAMS = {
    "events": b'event: a\ndata: {"x": 1}\n\nevent: b\ndata: {"y": "\xc3\xa4"}\n\n',
    "only data": b'data: {"x": 1}\n\ndata: [DONE]\n\n',
    "no space, several lines": b'data:{"x":\ndata: 1}\n\n',
    "comments and empty lines": b': alive\n\n\n\n: alive\nevent: a\n: more\ndata: {"x": 1}\n\n\n',
    "other fields": b'id: 7\nretry: 10\nevent: a\ndata: {"x": 1}\nsomething: else\n\n',
    "carriage returns": b'event: a\r\ndata: {"x": 1}\r\n\r\nevent: b\r\ndata: {"x": 2}\r\n\r\n',
    "carriage returns later": b'event: a\ndata: {"x": 1}\n\nevent: b\r\ndata: {"x": 2}\r\n\r\n',
    "broken off": b'event: a\ndata: {"x": 1}\n\nevent: b\ndata: {"x"',
    "half characters, odd numbers": b'data: {"x": "\\ud83d", "y": NaN, "z": 1e999}\n\n',
    "a name without data": b"event: a\n\n",
}


async def _chunks(stream: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(stream), size):
        yield stream[start : start + size]


def _read(decoder: Any, stream: bytes, size: int) -> list[tuple[str | None, str, str]]:
    async def read() -> list[tuple[str | None, str, str]]:
        return [
            (event.event, event.data, repr(event.json()) if event.data.startswith("{") else "")
            async for event in decoder.aiter_bytes(_chunks(stream, size))
        ]

    return asyncio.run(read())


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_it_finds_what_the_client_finds(stream: bytes, size: int) -> None:
    assert _read(EventDecoder(), stream, size) == _read(SSEDecoder(), stream, size)


ANSWER = b"".join(
    b'event: response.%s\ndata: {"type": "response.%s"}\n\n' % (kind, kind)
    for kind in (b"created", *[b"output_text.delta", b"function_call_arguments.delta"] * 10, b"completed")
)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_of_pieces_that_nobody_watches_some_are_let_through_as_a_sign_of_life(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count(100, SIGN_OF_LIFE_S / 4)
    monkeypatch.setattr("triage.llm.server_events.time", SimpleNamespace(monotonic=lambda: next(ticks)))
    kinds = [event[0] for event in _read(EventDecoder(is_watched=False), ANSWER, size)]
    assert [kind for kind in kinds if not str(kind).endswith(".delta")] == ["response.created", "response.completed"]
    assert len(kinds) == 2 + 20 / 4


def test_pieces_that_somebody_watches_are_all_read() -> None:
    assert len(_read(EventDecoder(is_watched=True), ANSWER, 1000)) == 22


def test_what_is_no_json_is_refused_as_by_the_client() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        _read(EventDecoder(), b"data: {not json\n\n", 1000)


def test_the_copy_of_the_tools_is_the_sdks() -> None:
    odd = [{"a": [1, 2.5, None, True, "x", (1, {"b": ()})]}, {1, 2}, range(2), MappingProxyType({"c": {"d": b"e"}})]
    assert quick_copy_of_tools(odd) == copy_of_tools(odd)
    assert quick_copy_of_tools(odd)[0] is not odd[0]
    assert sdk_json._to_dump_compatible_internal is quick_copy_of_tools


def test_a_request_keeps_all_its_parts_and_their_places() -> None:
    asked = {
        "model": "m", "stream": True, "timeout": 7, "tools": omit, "reasoning": {"effort": "low"},
        "input": [1], "instructions": "i", "temperature": 0.5, "store": False, "extra_body": {"z": 1, "store": True},
    }  # fmt: skip
    sent = _sent_as_is(asked, "input", "tools")
    # What the caller adds to the body wins, as it does in the client.
    assert sent.pop("extra_body") == {"input": [1], "instructions": "i", "temperature": 0.5, "store": True, "z": 1}
    kept = ("model", "stream", "tools", "reasoning", "timeout")
    assert sent == {name: asked[name] for name in kept}


ENDLESS = {
    "an event without end": b'data: "xxxxxxxxxxxxxxx',
    "lines without an event": b"data: xxxxxxxxxxxxx\n",
    "events without an answer": b'data: {"x": 1}\n\n: and so on\n\n',
    "comments": b": alive\n\n",
    "carriage returns": b'data: {"x": 1}\r\n\r\n',
}


@pytest.mark.parametrize("part", ENDLESS.values(), ids=ENDLESS)
async def test_what_has_no_end_is_given_up(part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.llm.server_events.LONGEST_EVENT_BYTES", 200_000)
    monkeypatch.setattr("triage.llm.server_events.LONGEST_STREAM_BYTES", 500_000)
    sent = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal sent
        chunk = part * (10_000 // len(part))
        while True:
            sent += len(chunk)
            yield chunk

    with pytest.raises(ModelFault, match="too long"):
        async for _ in EventDecoder().aiter_bytes(without_end()):
            pass
    is_one_event = b"\n\n" not in part and b"\r" not in part
    assert sent <= (200_000 if is_one_event else 500_000) + 10_000
