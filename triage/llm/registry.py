"""Which model plays which role, and what stands behind it when it does not answer."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from agents import Model

from triage.domain import Value
from triage.errors import SettingsError
from triage.llm.breaker import ModelBreaker
from triage.llm.chain import ChainLink, ModelChain, Sleep
from triage.llm.clients import ClientPool, WholeAnswerChatModel, WholeAnswerResponsesModel
from triage.llm.durable import DurableModel
from triage.llm.names import OFFLINE_MODEL_NAME, ROLES, ModelRole
from triage.llm.offline import OfflineModel
from triage.settings import LITELLM_PREFIX, Settings

Protocol = Literal["responses", "chat_completions", "litellm", "offline"]

# The connection's own timeout speaks first, because it leaves its error on the span; this much later the chain's does,
# which also ends a stream that is kept awake without a word.
SILENCE_GRACE_S = 1.0


class LinkDescription(Value):
    """One model of a chain; ``host`` is None where the name alone decides it, ``breaker`` says whether it is paused."""

    model: str
    protocol: Protocol
    host: str | None
    breaker: str


class RoleDescription(Value):
    """The models of one role in the order in which they are asked."""

    role: ModelRole
    chain: tuple[LinkDescription, ...]


class ModelRegistry:
    """Builds the chain of each role from the settings.

    A chain is the role's own model, then the fallbacks, then the offline engine. Models behind the OpenAI client need
    a key and are left out without one; ``litellm/...`` names bring keys of their own. Links are shared between the
    roles, so that a model which fails in one role is paused in all.

    Raises:
        SettingsError: a ``litellm/...`` model is named but the extra is not installed.
    """

    def __init__(self, settings: Settings, *, sleep: Sleep = asyncio.sleep) -> None:
        self._settings = settings
        self._sleep = sleep
        key = settings.openai_api_key
        self._clients = (
            ClientPool(
                api_key=key.get_secret_value(), base_url=settings.openai_base_url, timeout_s=settings.model_timeout_s
            )
            if key is not None
            else None
        )
        self._links: dict[str, ChainLink] = {}
        self._models = {role: DurableModel(role=role, chain=self._chain(role)) for role in ROLES}

    def for_role(self, role: ModelRole) -> Model:
        """Return the durable model of a role; it can be used in any event loop."""
        return self._models[role]

    def describe(self) -> tuple[RoleDescription, ...]:
        """Return what stands behind each role, with the present state of the breakers."""
        return tuple(
            RoleDescription(role=role, chain=tuple(self._describe(link) for link in model.chain.links))
            for role, model in self._models.items()
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._clients is not None:
            await self._clients.close()

    def _chain(self, role: ModelRole) -> ModelChain:
        names = dict.fromkeys([self._name_of(role), *self._settings.fallback_models, OFFLINE_MODEL_NAME])
        usable = [name for name in names if self._clients is not None or _protocol_needs_no_key(name)]
        return ModelChain(
            [self._link(name) for name in usable],
            retries=self._settings.model_retries,
            timeout_s=self._settings.model_timeout_s + SILENCE_GRACE_S,
            sleep=self._sleep,
        )

    def _name_of(self, role: ModelRole) -> str:
        special = {"writer": self._settings.writer_model, "guardrail": self._settings.guardrail_model}
        return special.get(role, self._settings.model)

    def _link(self, name: str) -> ChainLink:
        if name not in self._links:
            self._links[name] = ChainLink(name=name, model=self._source(name), breaker=ModelBreaker(name))
        return self._links[name]

    def _source(self, name: str) -> Callable[[], Model]:
        """Return what gives the model for the running loop; only connections are worth keeping, models are light."""
        if name == OFFLINE_MODEL_NAME:
            offline = OfflineModel()
            return lambda: offline
        if name.startswith(LITELLM_PREFIX):
            return _litellm_source(name.removeprefix(LITELLM_PREFIX))
        clients = self._clients
        if clients is None:
            raise SettingsError(f"The model {name} needs a key; set OPENAI_API_KEY.")
        if self._settings.openai_api == "chat_completions":
            return lambda: WholeAnswerChatModel(name, clients.client())
        return lambda: WholeAnswerResponsesModel(name, clients.client())

    def _describe(self, link: ChainLink) -> LinkDescription:
        protocol: Protocol = self._settings.openai_api
        host = urlsplit(self._clients.base_url).hostname if self._clients is not None else None
        if link.name == OFFLINE_MODEL_NAME:
            protocol, host = "offline", None
        elif link.name.startswith(LITELLM_PREFIX):
            protocol, host = "litellm", None
        return LinkDescription(model=link.name, protocol=protocol, host=host, breaker=link.breaker.state)


def _protocol_needs_no_key(name: str) -> bool:
    return name == OFFLINE_MODEL_NAME or name.startswith(LITELLM_PREFIX)


def _litellm_source(name: str) -> Callable[[], Model]:
    """Look for the extra at once, so that its absence shows at start, but load it late, because it is large."""
    if importlib.util.find_spec("litellm") is None:
        raise SettingsError(
            f"The model {LITELLM_PREFIX}{name} needs the extra: pip install -r requirements-litellm.txt, "
            "or name another model in TRIAGE_MODEL."
        )

    def build() -> Model:
        from agents.extensions.models.litellm_provider import LitellmProvider  # noqa: PLC0415 - see above

        return LitellmProvider().get_model(name)

    return build
