"""The badge names what really answers."""

from __future__ import annotations

from typing import Any

import pytest

from pages.components.engine import engine_of
from triage.llm.registry import LinkDescription, RoleDescription
from triage.settings import Settings

BESIDE = "litellm/small"


def role(name: str, model: str, *, breaker: str = "closed") -> RoleDescription:
    protocol = "offline" if model == "offline-rules" else "responses"
    return RoleDescription(
        role=name, chain=(LinkDescription(model=model, protocol=protocol, host=None, breaker=breaker),)
    )


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **{"openai_api_key": None, "model": "big", "fallback_models": [], **given})


@pytest.mark.parametrize(
    ("given", "answering", "name", "is_offline"),
    [
        ({}, {"triage": "offline-rules"}, "Offline engine: no key", True),
        ({"openai_api_key": "k"}, {"triage": "big"}, "big", False),
        ({"writer_model": BESIDE}, {"triage": "offline-rules", "writer": BESIDE}, "Offline engine", True),
        ({"fallback_models": [BESIDE]}, {"triage": BESIDE}, BESIDE, False),
        ({"openai_api_key": "k"}, {}, "big", False),
    ],
)
def test_the_badge_names_what_the_triage_agent_asks_first(
    given: dict[str, Any], answering: dict[str, str], name: str, is_offline: bool
) -> None:
    engine = engine_of(settings(**given), roles=[role(*each) for each in answering.items()])
    assert (engine.name, engine.is_offline) == (name, is_offline)


def test_what_answers_beside_the_rules_is_told() -> None:
    roles = [role("triage", "offline-rules"), role("writer", BESIDE)]
    assert f"Writer: {BESIDE}." in engine_of(settings(writer_model=BESIDE), roles=roles).explanation


@pytest.mark.parametrize(("breaker", "is_silent"), [("closed", False), ("open", True), ("half-open", True)])
def test_a_model_that_is_left_alone_is_not_shown_as_if_it_answered(breaker: str, is_silent: bool) -> None:
    engine = engine_of(settings(openai_api_key="k"), roles=[role("triage", "big", breaker=breaker)])
    assert (engine.label, engine.needs_look) == ("big · not answering" if is_silent else "big", is_silent)
    assert ("left alone" in engine.explanation) is is_silent
