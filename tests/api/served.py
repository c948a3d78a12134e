"""A desk that is served over HTTP: real services on the offline engine, a real server, tokens of every kind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from triage.api.app import ApiPlace
from triage.api.problems import problem
from triage.domain import Actor, Role
from triage.hosts import REFUSAL, KnownHosts, allowed_hosts
from triage.services import Services, open_services
from triage.settings import Settings

ADMIN = Actor(name="ada", role=Role.ADMIN)
LONGEST_S = 30.0
REFUND = "I want a refund for order 2, it arrived broken."
QUESTION = "How do I export my data as CSV?"
ALICE = "alice@example.com"


@dataclass
class Desk:
    """The services, where they are served, and a client for each token."""

    services: Services
    url: str
    place: ApiPlace
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, name: str, *, role: Role = Role.OPERATOR, team: str = "support", scopes: Any = None) -> str:
        """Return the secret of a token, the same for the same name; each is of a person of its own."""
        if name not in self.tokens:
            maker = Actor(name=f"maker of {name}", role=Role.ADMIN)
            _, self.tokens[name] = self.services.tokens.create(
                name=name, role=role, team=team, scopes=scopes, actor=maker
            )
        return self.tokens[name]

    def client(self, name: str | None = "helpdesk", **token: Any) -> httpx2.Client:
        """Return a client that sends a token; None sends none."""
        headers = {} if name is None else {"Authorization": f"Bearer {self.token(name, **token)}"}
        return httpx2.Client(base_url=f"{self.url}/api", headers=headers, timeout=LONGEST_S, trust_env=False)


@contextmanager
def served(settings: Settings) -> Iterator[Desk]:
    """Open the services of the settings and serve their API."""
    services = open_services(settings, kind="test")
    place = ApiPlace()
    place.open(services)
    names = allowed_hosts(settings)
    app = Starlette(
        routes=[place.mount()],
        middleware=[Middleware(KnownHosts, allowed=lambda: names, refuse_api=lambda: problem("wrong_host", REFUSAL))],
    )
    try:
        with listening(app) as url:
            yield Desk(services, url, place)
    finally:
        services.close()


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve an ASGI app on a free port of this machine, from a thread."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="api-server", daemon=True)
    thread.start()
    deadline = time.monotonic() + LONGEST_S
    while not server.started:
        assert time.monotonic() < deadline
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(LONGEST_S)
        assert not thread.is_alive()


def folder_of(tmp_path_factory: Any) -> Path:
    """Return a data folder for a module."""
    made: Path = tmp_path_factory.mktemp("api") / "data"
    return made
