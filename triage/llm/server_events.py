"""Reads the events that a server sends, at a third of the processor time that the client takes for it.

The client looks at every line of a stream by itself and reads its JSON with Python's own reader. The servers that this
product talks to end lines with a newline, so a block up to an empty line is an event; for any other stream the client's
decoder is used. Pieces of an answer that nobody watches are left out: its end brings the whole again.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
from openai._streaming import ServerSentEvent, SSEDecoder

from triage.llm.length import LONGEST_EVENT_BYTES, LONGEST_STREAM_BYTES, too_long

_PIECE = re.compile(rb"event: ?response\.[a-z_.]+\.delta\n")
# So often a piece is let through all the same, because whoever reads the stream takes silence for an outage.
SIGN_OF_LIFE_S = 0.5


class EventDecoder:
    """The decoder that ``AsyncOpenAI`` asks for; an event that the stream breaks off in is none."""

    def __init__(self, *, is_watched: bool = True) -> None:
        self._is_watched = is_watched
        self._let_through_at = 0.0

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[ServerSentEvent]:
        """Return the events of a stream of bytes, however it is cut into chunks.

        Raises:
            ModelFault: an event, or the stream, is longer than an answer may be.
        """
        pieces: list[bytes] = []
        unfinished = heard = 0
        async for chunk in iterator:
            if b"\r" in chunk:
                async for event in SSEDecoder().aiter_bytes(
                    _again(b"".join(pieces) + chunk, iterator, heard + len(chunk))
                ):
                    yield event
                return
            heard += len(chunk)
            unfinished += len(chunk)
            pieces.append(chunk)
            if b"\n" in chunk:
                *blocks, rest = b"".join(pieces).split(b"\n\n")
                pieces, unfinished = [rest], len(rest)
                for block in blocks:
                    if self._is_wanted(block) and (found := _event(block)) is not None:
                        yield found
            if unfinished > LONGEST_EVENT_BYTES or heard > LONGEST_STREAM_BYTES:
                raise too_long()

    def _is_wanted(self, block: bytes) -> bool:
        if self._is_watched or not _PIECE.match(block):
            return True
        if (now := time.monotonic()) < self._let_through_at + SIGN_OF_LIFE_S:
            return False
        self._let_through_at = now
        return True

    def iter_bytes(self, iterator: Iterator[bytes]) -> Iterator[ServerSentEvent]:
        """Return the events of a stream that is read without waiting, as the client does; nothing here asks for it."""
        return SSEDecoder().iter_bytes(iterator)


class _Event(ServerSentEvent):
    def json(self) -> Any:
        """Return what the event says; what the quick reader refuses, half characters for one, Python's own may take."""
        try:
            return orjson.loads(self.data)
        except orjson.JSONDecodeError:
            return super().json()


def _event(block: bytes) -> ServerSentEvent | None:
    """Return the event of a block of lines, or None where it has only comments."""
    name: str | None = None
    data: list[str] = []
    for line in block.decode().split("\n"):
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value.removeprefix(" "))
        elif field == "event":
            name = value.removeprefix(" ")
    return _Event(event=name, data="\n".join(data)) if name or data else None


async def _again(first: bytes, rest: AsyncIterator[bytes], heard: int) -> AsyncIterator[bytes]:
    """Return a stream of which a part was read already; ``heard`` is how long that was, ``first`` its unread rest."""
    yield first
    async for chunk in rest:
        heard += len(chunk)
        if heard > LONGEST_STREAM_BYTES:
            raise too_long()
        yield chunk
