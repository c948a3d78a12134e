"""The kept texts by which the SDK tells agents apart."""

from __future__ import annotations

from agents import _run_state_agent_identity as sdk

from tests.team.desk import Desk
from triage.team.identity import describe


def test_the_sdk_gets_the_text_that_it_would_write(desk: Desk) -> None:
    for agent in desk.team.agents.values():
        assert sdk._agent_identity_signature(agent) == describe(agent)


def test_a_changed_copy_of_an_agent_is_described_anew(desk: Desk) -> None:
    copy = desk.team.entry.clone(handoff_description="Somebody else")
    assert "Somebody else" in sdk._agent_identity_signature(copy)
    assert "Somebody else" not in sdk._agent_identity_signature(desk.team.entry)
