"""The composition root: settings -> services -> HTTP routes and pages -> one ASGI app."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware

from triage.access.entrance import LOCAL, Entrance, Mode, require_protection
from triage.api.app import ApiPlace
from triage.api.problems import problem
from triage.errors import TriageError
from triage.hosts import REFUSAL, KnownHosts, SameOrigin, allowed_hosts, allowed_origins
from triage.identity_headers import IdentityHeaders
from triage.local_mode import LoopbackOnly, require_loopback
from triage.logs import configure_logs
from triage.page_headers import PageHeaders, content_policy
from triage.return_path import ReturnPath
from triage.services import settle_in
from triage.settings import load_settings

api = ApiPlace()


@dataclass
class Rules:
    """What the layers around the pages go by. Until the settings are read, it is the strictest."""

    entrance: Entrance = LOCAL
    names: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    proxy_secret: str | None = None


rules = Rules()


def read_rules() -> None:
    """Read the rules from the settings and from Streamlit's options.

    Raises:
        SettingsError: with them the console would be open to whom it should not be, or to nobody.
    """
    from pages.components.context import configured_entrance  # noqa: PLC0415 - as below

    settings = load_settings()
    rules.entrance = configured_entrance(settings)
    # Without sign-in, a name of its own would mean a proxy, behind which others could be.
    is_local = rules.entrance.mode is Mode.LOCAL
    rules.names = frozenset() if is_local else allowed_hosts(settings)
    rules.origins = frozenset() if is_local else allowed_origins(settings)
    rules.proxy_secret = settings.proxy_secret and settings.proxy_secret.get_secret_value()
    require_protection(cors=st.get_option("server.enableCORS"), xsrf=st.get_option("server.enableXsrfProtection"))
    if is_local:
        require_loopback(st.get_option("server.address"))


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:  # noqa: ARG001
    """Open the data folder before the first page is served, and give it back at the end."""
    from pages.components.context import services  # noqa: PLC0415 - cached functions are imported after the runtime started

    configure_logs()
    try:
        read_rules()
        # Off the event loop: opening takes a second, and the durable engine refuses to start on a running loop.
        running = await anyio.to_thread.run_sync(services)
    except TriageError as error:
        # The server's own way to report a failed start is a stack trace; a person needs the sentence.
        sys.stderr.write(f"\nThe console cannot start. {error}\n\n")
        sys.stderr.flush()
        # Nothing is open yet, and every gentler way out of here ends in that stack trace.
        os._exit(1)
    settle_in()
    api.open(running)
    try:
        yield {}
    finally:
        api.close()
        services.clear()
        await anyio.to_thread.run_sync(running.close)


app = st.App(
    str(Path(__file__).parent / "pages" / "console.py"),
    lifespan=lifespan,
    routes=[api.mount()],
    middleware=[
        Middleware(
            PageHeaders,
            policy=content_policy(Path(st.__file__).parent / "static" / "index.html"),
            is_https=lambda: rules.entrance.is_https,
        ),
        # Another server than "streamlit run" is started on an address of its own, which only its connections tell.
        Middleware(LoopbackOnly, is_local=lambda: rules.entrance.mode is Mode.LOCAL),
        Middleware(KnownHosts, allowed=lambda: rules.names, refuse_api=lambda: problem("wrong_host", REFUSAL)),
        Middleware(SameOrigin, allowed=lambda: rules.origins),
        Middleware(IdentityHeaders, names=lambda: rules.entrance.identity_headers, secret=lambda: rules.proxy_secret),
        Middleware(ReturnPath),
    ],
)
