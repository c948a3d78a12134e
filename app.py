"""The composition root: settings -> services -> HTTP routes and pages -> one ASGI app."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware

from triage.api.app import ApiPlace
from triage.api.problems import problem
from triage.errors import TriageError
from triage.hosts import REFUSAL, KnownHosts, allowed_hosts
from triage.local_mode import LoopbackOnly, require_loopback
from triage.logs import configure_logs
from triage.services import settle_in

api = ApiPlace()
names: set[str] = set()


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:  # noqa: ARG001
    """Open the data folder before the first page is served, and give it back at the end."""
    from pages.components.context import services  # noqa: PLC0415 - cached functions are imported after the runtime started

    configure_logs()
    try:
        require_loopback(st.get_option("server.address"))
        # Off the event loop: opening takes a second, and the durable engine refuses to start on a running loop.
        running = await anyio.to_thread.run_sync(services)
    except TriageError as error:
        # The server's own way to report a failed start is a stack trace; a person needs the sentence.
        sys.stderr.write(f"\nThe console cannot start. {error}\n\n")
        sys.stderr.flush()
        # Nothing is open yet, and every gentler way out of here ends in that stack trace.
        os._exit(1)
    settle_in()
    names.update(allowed_hosts(running.settings))
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
        # Another server than "streamlit run" is started on an address of its own, which only its connections tell.
        Middleware(LoopbackOnly),
        Middleware(KnownHosts, allowed=lambda: names, refuse_api=lambda: problem("wrong_host", REFUSAL)),
    ],
)
