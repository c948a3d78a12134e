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
    "This console does not answer under this name. Open it under a name that TRIAGE_CONSOLE_URL or "
    "TRIAGE_ALLOWED_HOSTS has, or on the machine itself at http://localhost."
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
