from __future__ import annotations

from typing import Any

import pytest

from triage.approvals.policy import describe_action, needs_approval


@pytest.mark.parametrize(
    ("tool", "arguments", "rule"),
    [
        ("process_refund", {"order_id": "2", "reason": "broken"}, "refund"),
        ("process_refund", {}, "refund"),
        ("create_support_ticket", {"priority": "critical"}, "critical_ticket"),
        ("create_support_ticket", {"priority": "high"}, "high_ticket"),
        ("create_support_ticket", {"priority": "medium"}, "none"),
        ("create_support_ticket", {"priority": "low"}, "none"),
        ("create_support_ticket", {"priority": "Low"}, "unclear_ticket"),
        ("create_support_ticket", {"priority": ["low"]}, "unclear_ticket"),
        ("create_support_ticket", {}, "unclear_ticket"),
        ("search_knowledge_base", {"query": "refund"}, "none"),
        ("draft_reply", {"brief": "critical"}, "none"),
    ],
)
def test_who_has_to_wait(tool: str, arguments: dict[str, Any], rule: str) -> None:
    decision = needs_approval(tool, arguments)
    assert decision.rule == rule
    assert decision.needs_approval is (rule != "none")
    assert decision.sentence.endswith(".")


@pytest.mark.parametrize(
    ("tool", "arguments", "line"),
    [
        (
            "create_support_ticket",
            {"title": "Projects empty after update", "priority": "critical"},
            "Create critical ticket 'Projects empty after update'",
        ),
        ("process_refund", {"order_id": "2", "reason": "The hub\nbroke"}, "Refund order 2: The hub broke"),
        ("process_refund", {}, "Refund order (missing): (missing)"),
        ("close_account", {"id": 1}, "Call close_account"),
    ],
)
def test_an_action_is_described_in_one_line(tool: str, arguments: dict[str, Any], line: str) -> None:
    assert describe_action(tool, arguments) == line


def test_a_long_title_is_cut() -> None:
    line = describe_action("create_support_ticket", {"title": "x" * 500, "priority": "high"})
    assert len(line) < 160
    assert "…" in line
