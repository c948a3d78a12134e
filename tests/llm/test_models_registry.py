from __future__ import annotations

import asyncio
import importlib.util
import threading
from typing import Any

import pytest

from triage.errors import SettingsError
from triage.llm.clients import ClientPool
from triage.llm.registry import ModelRegistry
from triage.settings import Settings


def settings(**values: Any) -> Settings:
    given = {"model": "big", "guardrail_model": "small", "writer_model": "prose", "fallback_models": []}
    return Settings(_env_file=None, **(given | values))


def chains(registry: ModelRegistry) -> dict[str, list[str]]:
    return {role.role: [link.model for link in role.chain] for role in registry.describe()}


def test_without_a_key_every_role_is_played_offline() -> None:
    registry = ModelRegistry(settings(openai_api_key=None))
    assert set(map(tuple, chains(registry).values())) == {("offline-rules",)}
    assert registry.describe()[0].chain[0].protocol == "offline"


def test_each_role_has_its_model_then_the_fallbacks_then_the_rules() -> None:
    registry = ModelRegistry(settings(openai_api_key="k", fallback_models=["spare", "big"]))
    assert chains(registry) == {
        "triage": ["big", "spare", "offline-rules"],
        "specialist": ["big", "spare", "offline-rules"],
        "writer": ["prose", "spare", "big", "offline-rules"],
        "guardrail": ["small", "spare", "big", "offline-rules"],
    }


def test_description_names_host_and_protocol_but_never_the_key() -> None:
    registry = ModelRegistry(
        settings(
            openai_api_key="secret",
            openai_base_url="http://user:pass@models.local:8000/v1",
            openai_api="chat_completions",
        )
    )
    link = registry.describe()[0].chain[0]
    assert (link.host, link.protocol, link.breaker) == ("models.local", "chat_completions", "closed")
    assert "secret" not in repr(registry.describe())
    assert "pass" not in repr(registry.describe())


@pytest.mark.skipif(importlib.util.find_spec("litellm") is not None, reason="The extra is installed.")
@pytest.mark.parametrize("field", ["model", "writer_model"])
def test_litellm_name_without_the_extra_says_what_to_install(field: str) -> None:
    with pytest.raises(SettingsError, match=r"requirements-litellm\.txt"):
        ModelRegistry(settings(openai_api_key=None, **{field: "litellm/anthropic/claude-sonnet-4-5"}))


def test_litellm_name_counts_as_a_model_without_an_openai_key() -> None:
    assert settings(openai_api_key=None).is_offline
    assert not settings(openai_api_key=None, model="litellm/x/y").is_offline


async def test_each_event_loop_has_its_own_client_and_closing_reaches_both() -> None:
    pool = ClientPool(api_key="k", base_url="http://127.0.0.1:9/v1", timeout_s=1)
    here = pool.client()
    assert pool.client() is here
    started, stop = threading.Event(), threading.Event()
    there: list[Any] = []

    async def elsewhere() -> None:
        there.append(pool.client())
        started.set()
        await asyncio.to_thread(stop.wait, 10)

    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    await asyncio.to_thread(started.wait, 10)
    assert there[0] is not here
    await pool.close()
    stop.set()
    await asyncio.to_thread(thread.join, 10)
    assert here.is_closed()
    assert there[0].is_closed()


def test_client_of_a_loop_that_has_ended_is_forgotten() -> None:
    pool = ClientPool(api_key="k", base_url="http://127.0.0.1:9/v1", timeout_s=1)

    async def use() -> None:
        pool.client()

    asyncio.run(use())
    asyncio.run(use())
    assert len(pool._clients) == 1
