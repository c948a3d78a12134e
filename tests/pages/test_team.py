from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pages.components.team_map import team_map
from triage.domain import Actor, Role
from triage.errors import NotAllowed
from triage.services import Services


def test_the_picture_has_every_agent_and_every_handover(running: Services) -> None:
    assert running.team is not None
    team = running.team.describe()
    dot = team_map(team, dark=False)
    for agent in team.agents:
        assert f'"{agent.name}" [label=' in dot
        for entry in agent.handoffs:
            assert f'"{agent.name}" -> "{entry.agent}";' in dot
    assert '"Triage agent" -> "Input check" [style=dashed' in dot
    assert team_map(team, dark=True) != dot


def test_the_page_shows_agents_tools_and_instructions(open_page: Callable[..., Any]) -> None:
    page = open_page("team", agent_shown="Orders specialist")
    assert not page.exception
    assert "Process refund" in " ".join(expander.label for expander in page.expander)
    assert "orders specialist" in page.code[0].value


def test_sample_records_are_removed_by_a_manager_only(running: Services, open_page: Callable[..., Any]) -> None:
    assert running.samples.count() > 0
    with pytest.raises(NotAllowed, match="role manager"):
        running.samples.remove(actor=Actor(name="rita", role=Role.REVIEWER))
    page = open_page("team", role=Role.MANAGER)
    page.button("remove_samples").click().run()
    assert not page.exception
    assert running.samples.count() == 0
    assert any("every account and order is a real one" in text.value for text in page.caption)
