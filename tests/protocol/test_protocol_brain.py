"""The model server with the offline engine behind it: a team can work over HTTP without a script."""

from __future__ import annotations

import json

import pytest
from agents import Agent, function_tool

from tests.protocol.desk import Desk
from triage.domain import Category, TriageResult

pytestmark = pytest.mark.protocol


async def test_typed_result_comes_over_the_wire(desk: Desk) -> None:
    asked: list[str] = []

    @function_tool
    def search_knowledge_base(query: str, max_results: int) -> str:
        """Search the articles."""
        asked.append(query)
        return json.dumps([])

    agent = Agent(name="Triage agent", tools=[search_knowledge_base], output_type=TriageResult)
    result = await desk.ask("I was charged twice for my invoice this month.", agent=agent)
    assert isinstance(result.final_output, TriageResult)
    assert result.final_output.category is Category.BILLING
    assert asked
    assert {call.model for call in desk.scope.calls} == {"gpt-5.4"}
