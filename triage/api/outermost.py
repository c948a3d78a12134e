"""The outermost layer of the API: what every answer has, whatever comes of the request."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.api.limits import Crowd
from triage.api.problems import ApiError, problem_of

VERSION = "1"
VERSION_HEADER = "Triage-API-Version"
HEADERS = {
    VERSION_HEADER: VERSION,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What a proxy answers from memory, it would answer to somebody else.
    "Cache-Control": "no-store",
}

log = structlog.get_logger(__name__)

Observe = Callable[[Scope, int, float], None]


class Outermost:
    """Gives a request its id and its answer the headers; turns every error that is left into a problem.

    ``observe`` is told of each answer: the scope, the status and the seconds until its head was sent.
    """

    def __init__(self, app: ASGIApp, *, crowd: Crowd, observe: Observe) -> None:
        self._app = app
        self._crowd = crowd
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a WebSocket is not accepted."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": "The API has no WebSockets."})
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        # Cookies of pages on the same host come along by themselves, so nothing here must ever count on one.
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
        begun = time.perf_counter()
        is_answered = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                # What goes on after its head, a stream, is counted elsewhere.
                place.close()
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.add_vary_header("Authorization")
                headers["X-Request-Id"] = request_id
                self._observe(scope, message["status"], time.perf_counter() - begun)
            await send(message)

        place = ExitStack()
        try:
            place.enter_context(self._crowd.place())
            _require_version(scope)
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the boundary: no error leaves the API otherwise than as a problem
            if is_answered:
                # The server sees an answer without an end and cuts the connection, which is what a client has to see.
                log.warning("api_answer_cut", error=type(error).__name__, request_id=request_id)
                return
            answer = problem_of(error, request_id=request_id)
            await answer(scope, receive, send_with_headers)
        finally:
            place.close()


def _require_version(scope: Scope) -> None:
    wanted = Headers(scope=scope).get(VERSION_HEADER, VERSION)
    if wanted != VERSION:
        raise ApiError("unsupported_version", f"This console speaks version {VERSION} of the API.")
