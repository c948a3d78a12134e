"""The kept texts by which the SDK tells agents apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from agents import _run_state_agent_identity as sdk
from agents.run_internal import agent_tool_configuration

from tests.team.desk import Desk
from triage.team.identity import compare_tools, describe, look_at_tools


def test_the_sdk_gets_the_text_that_it_would_write(desk: Desk) -> None:
    for agent in desk.team.agents.values():
        assert sdk._agent_identity_signature(agent) == describe(agent)


def test_a_changed_copy_of_an_agent_is_described_anew(desk: Desk) -> None:
    copy = desk.team.entry.clone(handoff_description="Somebody else")
    assert "Somebody else" in sdk._agent_identity_signature(copy)
    assert "Somebody else" not in sdk._agent_identity_signature(desk.team.entry)


@pytest.mark.parametrize("is_assigned", [False, True])
@pytest.mark.parametrize("runs", [1, 2, 50])
@pytest.mark.parametrize("change", [lambda tools: tools, lambda tools: tools[1:], lambda tools: (*tools[1:], tools[0])])
def test_a_change_of_tools_is_noticed_as_by_the_sdk(
    desk: Desk, change: Callable[[Any], Any], runs: int, is_assigned: bool
) -> None:
    def seen_by(look: Callable[[Any, Any], None]) -> list[bool]:
        tools = tuple(desk.team.entry.tools)
        active = [agent_tool_configuration._ToolResolution(desk.team.entry, tools) for _ in range(runs)]
        active[-1].tools_assigned = is_assigned
        look(active, change(tools))
        return [run.conflicted for run in active]

    assert seen_by(agent_tool_configuration._observe_tools) == seen_by(look_at_tools)
    assert agent_tool_configuration._observe_tools is compare_tools
