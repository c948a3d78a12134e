from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.desk import Desk, settings_for
from tests.protocol.product import Product, WatchedServer
from tests.servers.model_server import ModelServer
from triage.llm.registry import ModelRegistry

PROTOCOLS = ("responses", "chat_completions")


@pytest.fixture(scope="module")
def shared_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def model_server(shared_server: ModelServer) -> Iterator[ModelServer]:
    """A server without a script; starting one per test would take longer than the tests."""
    yield shared_server
    shared_server.reset()


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def overrides() -> dict[str, Any]:
    """Settings that a test changes by its ``overrides`` parameter."""
    return {}


@pytest.fixture
async def desk(model_server: ModelServer, protocol: str, overrides: dict[str, Any]) -> AsyncIterator[Desk]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    registry = ModelRegistry(settings_for(model_server, protocol, **overrides), sleep=sleep)
    yield Desk(model_server, registry, waits=waits)
    await registry.close()


@pytest.fixture(scope="module")
def watched_server() -> Iterator[WatchedServer]:
    with WatchedServer() as server:
        yield server


@pytest.fixture
def product(watched_server: WatchedServer, overrides: dict[str, Any], started_once: Path) -> Iterator[Product]:
    """The whole product on a server that answers like the offline engine unless a test says otherwise."""
    running = Product(watched_server, **overrides)
    yield running
    watched_server.reset()
    running.close()
