"""Example runs for the tests of tracing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from triage.domain import Run, RunStatus

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)


def run_with(**changes: Any) -> Run:
    """A run of a moment ago with these changes."""
    values: dict[str, Any] = {
        "id": "run_1",
        "conversation_id": "conv_1",
        "message_id": "msg_1",
        "status": RunStatus.RUNNING,
        "message": "Where is my order?",
        "submitted_by": "olga",
        "trace_id": "trace_1",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Run(**{**values, **changes})
