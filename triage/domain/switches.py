"""Switches: what an administrator has turned off for a while, or bound to approval."""

from __future__ import annotations

from datetime import datetime

from triage.domain.base import Value

TOOL_SWITCH = "tool:"
AGENT_SWITCH = "agent:"
WRITES_SWITCH = "writes"
EVERYTHING_SWITCH = "everything_needs_approval"


class Switch(Value):
    """One switch that is set; ``name`` is "tool:…", "agent:…", "writes" or "everything_needs_approval"."""

    name: str
    reason: str
    set_by: str
    set_at: datetime

    @property
    def tool(self) -> str | None:
        """The tool that it pauses, if it pauses one."""
        return self.name.removeprefix(TOOL_SWITCH) if self.name.startswith(TOOL_SWITCH) else None

    @property
    def agent(self) -> str | None:
        """The agent that it pauses, if it pauses one."""
        return self.name.removeprefix(AGENT_SWITCH) if self.name.startswith(AGENT_SWITCH) else None
