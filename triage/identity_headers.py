"""Headers in which a proxy says who somebody is: believed from the proxy alone, which shows a secret for it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection

from starlette.types import ASGIApp, Receive, Scope, Send

PROOF_HEADER = "x-triage-proxy"


class IdentityHeaders:
    """Takes the identity headers out of every request and WebSocket that does not show the proxy's secret.

    So whoever reaches the port past the proxy is nobody, on this machine as well. A header that comes twice is taken
    out too: a proxy that adds its own behind the sender's would let the sender choose. ``names`` and ``secret`` are
    asked per connection, because the settings are read after the app is put together; no names, nothing to do.
    """

    def __init__(self, app: ASGIApp, *, names: Callable[[], Collection[str]], secret: Callable[[], str | None]) -> None:
        self._app = app
        self._names = names
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on, without what cannot be believed."""
        names = frozenset(name.encode("latin-1") for name in self._names())
        if names and scope["type"] in ("http", "websocket"):
            scope = {**scope, "headers": self._believed(scope["headers"], names)}
        await self._app(scope, receive, send)

    def _believed(self, headers: list[tuple[bytes, bytes]], names: Collection[bytes]) -> list[tuple[bytes, bytes]]:
        shown = [value for name, value in headers if name == PROOF_HEADER.encode()]
        secret = self._secret()
        is_proxy = len(shown) == 1 and secret is not None and hmac.compare_digest(shown[0], secret.encode())
        counts = [name for name, _ in headers]
        return [
            (name, value)
            for name, value in headers
            if name != PROOF_HEADER.encode() and (name not in names or (is_proxy and counts.count(name) == 1))
        ]
