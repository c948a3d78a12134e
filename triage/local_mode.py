"""Local mode: nobody signs in, so nobody but the people at this machine may reach the console."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from triage.errors import SettingsError

REFUSAL = (
    "This console has no sign-in, so it answers on this machine only. "
    "Open it there, at a loopback address such as 127.0.0.1."
)


class LoopbackOnly:
    """Refuses what did not arrive on a loopback address, whatever server was started on whatever address.

    A request is answered with 403 and one sentence, a WebSocket is not accepted. A connection whose address is unknown,
    such as one on a Unix socket, is refused as well: a proxy in front of it may be open to others. ``is_local`` is
    asked per connection, because how people come in is read after the app is put together.
    """

    def __init__(self, app: ASGIApp, *, is_local: Callable[[], bool] = lambda: True) -> None:
        self._app = app
        self._is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on, or refuse it."""
        server = scope.get("server")
        is_open = scope["type"] not in ("http", "websocket") or not self._is_local()
        if is_open or (server and _is_loopback(str(server[0]))):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(REFUSAL, status_code=403)(scope, receive, send)
        else:
            # Closed before it was accepted, which servers answer with 403.
            await send({"type": "websocket.close", "code": 1008, "reason": REFUSAL})


def require_loopback(address: str | None) -> None:
    """Refuse to listen on an address that other machines reach; None listens on all of them.

    Raises:
        SettingsError: the address is no loopback address (127.0.0.0/8, ::1 or localhost).
    """
    if address is not None and _is_loopback(address.strip()):
        return
    raise SettingsError(
        f"It has no sign-in, so it listens on this machine only, and {address or 'every address'} can be reached from "
        "others: leave --server.address and STREAMLIT_SERVER_ADDRESS out, set 127.0.0.1, or set up sign-in as "
        "docs/sign-in.md says."
    )


def _is_loopback(address: str) -> bool:
    if address.lower() == "localhost":
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    # A socket that serves both families gives an IPv4 address in the form of an IPv6 one.
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback
