"""What keeps one client from taking the console away from the others: sizes, times, and how many at once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.api.problems import ApiError

MAX_BODY_BYTES = 256 * 1024
BODY_WITHIN_S = 30.0
MAX_AT_ONCE = 1000
MAX_STREAMS = 1000
MAX_STREAMS_OF_ONE = 250
RETRY_STREAM_S = 10


class BodyLimit:
    """Reads a body before anything works on it: JSON only, not too large, not too slowly.

    A body that says its length is refused by it, one that comes in chunks as soon as it is too large.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES, within_s: float = BODY_WITHIN_S) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body and pass the request on with it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            raise ApiError("malformed", "Content-Length is not a number.")
        # A number of very many digits takes long to read, and is too large in any case.
        if len(length) > len(str(self._max_bytes)) + 1 or int(length) > self._max_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._within_s):
                body = await self._read(receive)
        except TimeoutError:
            raise ApiError("timed_out", f"The body did not arrive within {self._within_s:g} seconds.") from None
        if body is None:
            return
        if body and not _is_json(headers.get("content-type", "")):
            raise ApiError("wrong_media_type", "Send the body as Content-Type: application/json.")
        _require_single_names(body)
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body, None when the client went away before it was there."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            size += len(part)
            if size > self._max_bytes:
                raise self._too_large()
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self) -> ApiError:
        return ApiError("too_large", f"The body may have {self._max_bytes // 1024} KiB at most.")


class Crowd:
    """Counts the requests that are at work, and refuses more than can be meant well."""

    def __init__(self, *, at_once: int = MAX_AT_ONCE) -> None:
        self._at_once = at_once
        self.count = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for the time of a request.

        Raises:
            ApiError: there is none.
        """
        if self.count >= self._at_once:
            raise ApiError("overloaded", "Too many requests are at work. Try again in a moment.", retry_after_s=1)
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


class StreamSeats:
    """Counts open event streams, of each token and in all; they last long and count as no request."""

    def __init__(self, *, in_all: int = MAX_STREAMS, of_one: int = MAX_STREAMS_OF_ONE) -> None:
        self._in_all = in_all
        self._of_one = of_one
        self._taken: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many are open."""
        return self._taken.total()

    @contextmanager
    def seat(self, who: str) -> Iterator[None]:
        """Hold a seat for the time of a stream.

        Raises:
            ApiError: there is none.
        """
        if self._taken[who] >= self._of_one or self.count >= self._in_all:
            limit = f"{self._of_one} of a token" if self._taken[who] >= self._of_one else f"{self._in_all} in all"
            sentence = f"As many streams are open as may be ({limit}). Close one, or come back later."
            raise ApiError("too_many_streams", sentence, retry_after_s=RETRY_STREAM_S)
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]


def _require_single_names(body: bytes) -> None:
    """Refuse an object in which a name stands twice: what checked the body before us may have read the other value."""

    def single(pairs: list[tuple[str, Any]]) -> None:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ApiError("malformed", "A name stands twice in an object of the body. Send each name once.")

    # What is no JSON at all is told by whoever reads the body.
    with suppress(ValueError, RecursionError):
        json.loads(body, object_pairs_hook=single)


def _is_json(content_type: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    # JSON is UTF-8; whoever sends it in another encoding says so here.
    return kind == "application/json" and all(
        part in ("charset=utf-8", 'charset="utf-8"') for part in parameters if part
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what hands the body out once, and then what the client does afterwards: it goes away."""
    is_given = False

    async def replayed() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
