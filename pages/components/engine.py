"""The badge that says who answers: the first model that the triage agent asks, or written rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from pages.components.context import seen, services
from pages.components.text import plain
from pages.components.words import words
from triage.llm.registry import RoleDescription
from triage.settings import Settings

_NO_MODEL = (
    "Written rules answer instead of a model. Set OPENAI_API_KEY (and OPENAI_BASE_URL for another server) and start "
    "again to use a model."
)
_ANSWERING = "closed"
"""The state of the breaker of a model that is asked."""
_SILENT = (
    "The model of the triage agent. Its last calls had no answer, or were refused, so it is left alone for half a "
    "minute at a time and what stands behind it answers. The events of a run say why."
)


class Engine(NamedTuple):
    """Who answers, and what the badge says when the pointer rests on it; both are plain text.

    A model that ``is_silent`` is left alone because its last calls failed.
    """

    name: str
    explanation: str
    is_offline: bool = False
    is_silent: bool = False

    @property
    def label(self) -> str:
        """What the badge says."""
        return f"{self.name} · not answering" if self.is_silent else self.name

    @property
    def needs_look(self) -> bool:
        """Whether somebody should know that something else than a model answers."""
        return self.is_offline or self.is_silent


def engine_badge() -> None:
    """Draw the badge."""
    models = seen().models
    engine = engine_of(services().settings, roles=models.describe() if models else ())
    st.badge(
        plain(engine.label),
        icon=":material/cloud_off:" if engine.needs_look else ":material/smart_toy:",
        color="orange" if engine.needs_look else "gray",
        help=plain(engine.explanation),
    )


def engine_of(settings: Settings, *, roles: Sequence[RoleDescription]) -> Engine:
    """Return what is asked first for the triage agent; a console without ``roles`` runs no agents and goes by names."""
    if settings.is_offline:
        return Engine("Offline engine: no key", _NO_MODEL, is_offline=True)
    first = {role.role: role.chain[0] for role in roles}
    if not first:
        return Engine(settings.model, "The model of the triage agent, which runs in another process.")
    asked = first["triage"]
    others = [f"{words(role)}: {link.model}." for role, link in first.items() if link.model != asked.model]
    if asked.protocol == "offline":
        told = ["Written rules answer for the triage agent, because no key is set for its model.", *others]
        return Engine("Offline engine", " ".join(told), is_offline=True)
    is_silent = asked.breaker != _ANSWERING
    about = [_SILENT if is_silent else "The model of the triage agent.", *others]
    return Engine(asked.model, " ".join(about), is_silent=is_silent)
