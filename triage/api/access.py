"""Who asks: a bearer token with every request, asked for before the body is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from triage.api.desk import ApiDesk, Caller
from triage.api.problems import problem
from triage.domain import Actor
from triage.errors import NotSignedIn

# What monitors and readers of the document ask without a token; none of it tells of a customer.
OPEN_PATHS = frozenset({"/health", "/ready", "/openapi.json"})
_SCHEME = "bearer "

Authenticate = Callable[[str | None], Awaitable[Actor]]


class Door:
    """Lets in who has a token in force and asks not too often; everybody else learns nothing, not even paths."""

    def __init__(self, app: ASGIApp, *, authenticate: Authenticate) -> None:
        self._app = app
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who asks, and pass the request on."""
        if scope["type"] != "http" or path_below_mount(scope) in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        written = Headers(scope=scope).get("authorization")
        secret = secret_in(written)
        try:
            scope["state"]["actor"] = await self._authenticate(secret)
        except NotSignedIn as error:
            # RFC 6750: an error is named only to who has sent something.
            reason = ', error="invalid_token"' if written else ""
            answer = problem(
                "not_signed_in",
                str(error),
                request_id=scope["state"]["request_id"],
                headers={"WWW-Authenticate": f'Bearer realm="triage"{reason}'},
            )
            await answer(scope, receive, send)
            return
        scope["state"]["secret"] = secret
        await self._app(scope, receive, send)


def secret_in(header: str | None) -> str | None:
    """Return what an Authorization header carries as a bearer token, None for any other kind."""
    if header is None or header[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return header[len(_SCHEME) :].strip() or None


def caller_of(request: Request) -> Caller:
    """Return who asks, with what they may ask."""
    desk: ApiDesk = request.app.state.desk
    return Caller(desk, request.state.actor, request.state.secret)


# Only so that the document says what is needed; the door has seen to it long before.
bearer = HTTPBearer(
    scheme_name="token",
    description="A token of the access page or of `python -m triage tokens create`: `Authorization: Bearer tri_...`.",
    auto_error=False,
)
Asking = Annotated[Caller, Depends(caller_of)]


def path_below_mount(scope: Scope) -> str:
    """Return the path as the routes of the API know it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
