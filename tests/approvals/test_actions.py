from __future__ import annotations

from typing import Any

import pytest

from triage.approvals.actions import describe_action


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
