"""Back to the page that somebody wanted before they signed in: Streamlit always comes back to the first one."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "triage_return"
_LOGIN, _CALLBACK = "/auth/login", "/oauth2callback"
_LASTS_S = 600
_LONGEST = 2000


class ReturnPath:
    """Keeps the path of the page that a sign-in began on in a short-lived cookie, and leads there at its end.

    Only the path is kept and only on this host, so that nobody is led anywhere else, whoever wrote the cookie.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on; what begins or ends a sign-in gets or takes the cookie."""
        if scope["type"] != "http" or scope["path"] not in (_LOGIN, _CALLBACK):
            await self._app(scope, receive, send)
            return
        request = Request(scope)

        async def send_with_path(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"] == _LOGIN:
                    _keep(_path_of(request), headers)
                elif headers.get("location") == "/" and COOKIE in request.cookies:
                    headers["location"] = safe_path(unquote(request.cookies[COOKIE]))
                    headers.append("set-cookie", f"{COOKIE}=; Path={_CALLBACK}; Max-Age=0; HttpOnly; SameSite=lax")
            await send(message)

        await self._app(scope, receive, send_with_path)


def safe_path(path: str) -> str:
    """Return a path of a page with its query as it is, and the first page's for everything else."""
    is_path = path.startswith("/") and path[1:2] not in ("/", "\\") and len(path) <= _LONGEST
    return path if is_path and path.isascii() and path.isprintable() and " " not in path else "/"


def _keep(path: str, headers: MutableHeaders) -> None:
    value = quote(path, safe="")
    headers.append("set-cookie", f"{COOKIE}={value}; Path={_CALLBACK}; Max-Age={_LASTS_S}; HttpOnly; SameSite=lax")


def _path_of(request: Request) -> str:
    """Return path and query of our page that the request came from."""
    try:
        came_from = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    if came_from.netloc != request.headers.get("host"):
        return "/"
    return safe_path(came_from.path + (f"?{came_from.query}" if came_from.query else ""))
