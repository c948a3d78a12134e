"""Under which names the console answers: a page of somebody else must not reach it under a name of their own.

A browser lets a page talk to the host that the page came from. Whoever owns a name can let it point at this machine
after the page was loaded (DNS rebinding), and the page then reads what the console shows. The Host header tells: it
still has the foreign name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from triage.settings import Settings

REFUSAL = (
    "This console does not answer under this name. Open it on its own machine at http://localhost or, where sign-in is "
    "set up, under a name that TRIAGE_CONSOLE_URL or TRIAGE_ALLOWED_HOSTS has."
)
_WRONG_HOST = 421

Refuse = Callable[[], Response]


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the names under which the console answers besides loopback ones, without ports and in lower case."""
    opened_under = urlsplit(settings.console_url).hostname or "localhost"
    return frozenset(name.lower().strip("[]") for name in (opened_under, *settings.allowed_hosts))


def is_answered(host: str | None, *, allowed: Collection[str]) -> bool:
    """Whether the console answers under the host of a Host header, port included; without one it does not."""
    try:
        name = urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return False
    if name is None or "@" in str(host):
        return False
    return name == "localhost" or name in allowed or _is_loopback(name)


def allowed_origins(settings: Settings) -> frozenset[str]:
    """Return the origins of our own pages besides the host that is asked: where people open the console."""
    parts = urlsplit(settings.console_url)
    return frozenset({f"{parts.scheme}://{parts.netloc}".lower()})


class SameOrigin:
    """Refuses WebSockets that a page of somebody else opens: a browser says in Origin where the page came from.

    Streamlit itself would take them from any page of this machine, whatever its port, and would ask the internet for
    the machine's own address to find out. What is no browser sends no Origin and is not refused.
    """

    def __init__(self, app: ASGIApp, *, allowed: Callable[[], Collection[str]]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on, or refuse it."""
        if scope["type"] == "websocket" and not self._is_ours(scope):
            await send({"type": "websocket.close", "code": 1008, "reason": "another origin"})
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        origins = Headers(scope=scope).getlist("origin")
        if not origins:
            return True
        origin = origins[0].lower()
        is_same = urlsplit(origin).netloc == str(_host_of(scope)).lower()
        return len(origins) == 1 and (is_same or origin in self._allowed())


class KnownHosts:
    """Refuses requests and WebSockets for hosts that are not the console's.

    ``allowed`` is asked when the first one comes, because the settings are read after the app is put together.
    """

    def __init__(self, app: ASGIApp, *, allowed: Callable[[], Collection[str]], refuse_api: Refuse) -> None:
        self._app = app
        self._allowed = allowed
        self._refuse_api = refuse_api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on, or refuse it."""
        if scope["type"] not in ("http", "websocket") or is_answered(_host_of(scope), allowed=self._allowed()):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "unknown host"})
        else:
            is_api = scope["path"] == "/api" or scope["path"].startswith("/api/")
            answer = self._refuse_api() if is_api else PlainTextResponse(REFUSAL, status_code=_WRONG_HOST)
            await answer(scope, receive, send)


def _host_of(scope: Scope) -> str | None:
    """Return the Host header; two of them would be read differently by different readers."""
    found = Headers(scope=scope).getlist("host")
    return found[0] if len(found) == 1 else None


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
