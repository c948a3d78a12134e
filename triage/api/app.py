"""The HTTP side of the console: one ASGI app, mounted at ``/api``."""

from __future__ import annotations

import re
import signal
from collections.abc import Awaitable, Collection, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from sse_starlette.sse import AppStatus
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from triage.api import approvals, conversations, events, health, metrics, runs, triage
from triage.api.access import Door, bearer, path_below_mount
from triage.api.desk import ApiDesk
from triage.api.document import document_of
from triage.api.limits import BodyLimit, Crowd, StreamSeats
from triage.api.outermost import VERSION, VERSION_HEADER, Outermost
from triage.api.problems import ApiError, problem_of, problem_of_http, problem_of_validation, request_id_of
from triage.domain import Actor, RunHead
from triage.errors import TriageError
from triage.runs.following import RunFollower
from triage.services import Services

# Nothing about requests leaves the process, whatever the environment says.
_NO_TELEMETRY: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
_WITH_TOKEN = (triage, runs, events, approvals, conversations, metrics)
_SENT_BY_BROWSERS = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Prefer", VERSION_HEADER)
_READ_BY_BROWSERS = ("Location", "Preference-Applied", "Retry-After", "X-Request-Id", VERSION_HEADER)


def build_api(services: Services) -> FastAPI:
    """Return the API of these services as an ASGI app."""
    settings = services.settings
    news = services.records.news()

    def read_heads(run_ids: Collection[str], *, if_news: bool) -> Awaitable[dict[str, RunHead] | None]:
        return desk.do(lambda: services.runs.heads(run_ids) if news.any() or not if_news else None)

    desk = ApiDesk(
        services=services,
        follower=RunFollower(read_heads, is_ending=_is_ending),
        crowd=Crowd(),
        seats=StreamSeats(in_all=settings.api_max_streams, of_one=settings.api_max_token_streams),
    )
    api = FastAPI(
        title="Triage console",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
        middleware=_layers(desk, origins=settings.api_origins),
        exception_handlers=_handlers(),
    )
    api.state.desk = desk
    _add_routes(api)
    return api


def document() -> dict[str, Any]:
    """Return the OpenAPI document, for which nothing has to be open."""
    api = FastAPI(openapi_url=None, telemetry=_NO_TELEMETRY)
    _add_routes(api)
    return api.openapi()


def _add_routes(api: FastAPI) -> None:
    api.include_router(health.router)
    for module in _WITH_TOKEN:
        api.include_router(module.router, dependencies=[Depends(bearer)])
    api.openapi = partial(document_of, api)  # type: ignore[method-assign]
    api.add_api_route("/openapi.json", api.openapi, include_in_schema=False)


class ApiPlace:
    """Where the API is mounted: the place is named before the services are open, and served afterwards."""

    def __init__(self) -> None:
        self._api: ASGIApp | None = None

    def mount(self) -> Mount:
        """Return the route of everything below ``/api``, whatever characters the rest of the path has."""
        mounted = Mount("/api", app=self)
        # As it stands a path with a line break is none of ours, and would be answered by whoever comes next.
        mounted.path_regex = re.compile(mounted.path_regex.pattern, re.DOTALL)
        return mounted

    def open(self, services: Services) -> None:
        """Serve from now on."""
        self._api = build_api(services)

    def close(self) -> None:
        """Serve no longer."""
        self._api = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if self._api is not None:
            await self._api(scope, receive, send)
        elif scope["type"] == "http":
            answer = problem_of(
                ApiError("unavailable", "The console starts or stops.", retry_after_s=1), request_id=None
            )
            await answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1001})


def _layers(desk: ApiDesk, *, origins: Sequence[str]) -> list[Middleware]:
    """Return what a request passes through, the outermost first."""
    figures = metrics.Metrics(desk)
    desk.metrics = figures
    layers = [Middleware(Outermost, crowd=desk.crowd, observe=figures.observe)]
    if origins:
        # Without credentials: no cookie counts here, and the token is sent by the page's own script.
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=list(_SENT_BY_BROWSERS),
            expose_headers=list(_READ_BY_BROWSERS),
            allow_credentials=False,
        )
        layers.append(cors)
    return [*layers, Middleware(Door, authenticate=partial(_let_in, desk)), Middleware(BodyLimit)]


async def _let_in(desk: ApiDesk, secret: str | None) -> Actor:
    def let_in() -> Actor:
        actor = desk.services.tokens.authenticate(secret)
        desk.services.rate_limit.take(actor.name)
        return actor

    return await desk.do(let_in)


def _handlers() -> dict[Any, Any]:
    def told(request: Request, error: Exception) -> Response:
        return problem_of(error, request_id=request_id_of(request))

    def told_by_router(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            error = HTTPException(error.status_code, headers={"Allow": _methods_of(path_below_mount(request.scope))})
        return problem_of_http(error, request_id=request_id_of(request))

    def told_of_fields(request: Request, error: RequestValidationError) -> Response:
        return problem_of_validation(error, request_id=request_id_of(request))

    return {
        TriageError: told,
        ApiError: told,
        HTTPException: told_by_router,
        RequestValidationError: told_of_fields,
    }


def _methods_of(path: str) -> str:
    """Return the methods of a path; the router names only those of the first of its routes."""
    routes = [route for module in (health, *_WITH_TOKEN) for route in module.router.routes]
    found = (route.methods for route in routes if isinstance(route, APIRoute) and route.path_regex.fullmatch(path))
    return ", ".join(sorted({method for methods in found for method in methods or ()}))


def _is_ending() -> bool:
    """Whether the server was asked to stop: it waits for open requests, so those that only wait must end."""
    # The server puts its own method in charge of the signal, and its mark is set before it begins to wait.
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(AppStatus.should_exit or getattr(server, "should_exit", False))
