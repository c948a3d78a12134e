"""The columns of the list of traces: what each is called, what it says of a trace and how wide it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pages.components import words
from triage.domain import Category, RunStatus, Urgency
from triage.domain.traces import TraceRow, TraceSort


@dataclass(frozen=True)
class Column:
    """One column; ``sort`` is what the list is sorted by when its header is chosen, ``width`` is in pixels."""

    title: str
    say: Callable[[TraceRow, datetime], Any]
    width: int
    sort: TraceSort | None = None
    is_number: bool = False


def message_of(row: TraceRow) -> str:
    """Return what a trace is called: the customer's words, else the program's name for it, else its id."""
    return words.one_line(row.excerpt or row.name or row.run_id or row.trace_id, limit=140)


def status_of(row: TraceRow) -> str:
    """Return the status of a trace in a word."""
    return words.short_status(RunStatus(row.status)) if row.status in set(RunStatus) else words.words(row.status)


def category_of(row: TraceRow) -> str:
    """Return the category in force in words, empty where there is none."""
    return words.category(Category(row.category)).text if row.category in set(Category) else row.category or ""


def urgency_of(row: TraceRow) -> str:
    """Return the urgency in force in words, empty where there is none."""
    return words.urgency(Urgency(row.urgency)).text if row.urgency in set(Urgency) else row.urgency or ""


def cost_of(row: TraceRow) -> str:
    """Return the cost of a trace for a narrow column: "at least" is a sign, where calls without a price came to it."""
    if not row.unpriced_calls:
        return words.money(row.cost_usd)
    return f"\u2265\u202f{words.money(row.cost_usd)}" if row.cost_usd else "unpriced"


def _guardrail(row: TraceRow, _: datetime) -> str:
    if not row.trip_guardrail:
        return ""
    verdict = f": {words.words(row.trip_verdict or '').lower()}" if row.trip_verdict else ""
    return f"{words.words(row.trip_guardrail)}{verdict}"


def _count(name: str) -> Callable[[TraceRow, datetime], str]:
    def say(row: TraceRow, _: datetime) -> str:
        value = getattr(row, name)
        return f"{value:,}" if value else ""

    return say


def _last_agent(row: TraceRow) -> str:
    """Return who worked last: nobody where the message was stopped before the work, all for other programs."""
    if row.last_agent or row.status == RunStatus.BLOCKED:
        return row.last_agent or ""
    return ", ".join(row.agents)


def _names(name: str) -> Callable[[TraceRow, datetime], str]:
    return lambda row, _: ", ".join(getattr(row, name))


COLUMNS: dict[str, Column] = {
    "when": Column("When", lambda row, now: words.short_ago(row.created_at, now=now), 56, "created_at"),
    "exact": Column("Time (UTC)", lambda row, _: f"{row.created_at:%Y-%m-%d %H:%M:%S}", 136, "created_at"),
    "message": Column("Message", lambda row, _: message_of(row), 222),
    "status": Column("Status", lambda row, _: [status_of(row)], 84),
    "category": Column("Category", lambda row, _: category_of(row), 88),
    "urgency": Column("Urgency", lambda row, _: urgency_of(row), 76),
    "customer": Column("Customer", lambda row, _: row.customer_email or "", 170),
    "agent": Column("Last agent", lambda row, _: _last_agent(row), 116),
    "agents": Column("Agents", _names("agents"), 220),
    "models": Column("Models", _names("models"), 150),
    "tools": Column("Tools", _names("tools"), 200),
    "guardrail": Column("Stopped by", _guardrail, 150),
    "steps": Column("Steps", _count("span_count"), 52, is_number=True),
    "errors": Column("Errors", _count("error_count"), 58, is_number=True),
    "tool_calls": Column("Tool calls", _count("tool_calls"), 76, is_number=True),
    "turns": Column("Turns", _count("turns"), 58, "turns", is_number=True),
    "time": Column("Time", lambda row, _: words.duration(row.active_ms), 58, "active_ms", is_number=True),
    "waited": Column(
        "Waited", lambda row, _: words.duration(row.waiting_ms) if row.waiting_ms else "", 72, is_number=True
    ),
    "cost": Column(
        "Cost", lambda row, _: cost_of(row), 90, "cost_usd",
        is_number=True,
    ),
    "read": Column("Tokens read", _count("input_tokens"), 88, "input_tokens", is_number=True),
    "written": Column("Tokens written", _count("output_tokens"), 104, "output_tokens", is_number=True),
    "run": Column("Run", lambda row, _: row.run_id or "", 160),
    "conversation": Column("Conversation", lambda row, _: row.conversation_id or "", 130),
    "trace": Column("Trace", lambda row, _: row.trace_id, 180),
}  # fmt: skip
"""Every column by its name in the address, in the order in which they are offered."""
DEFAULT_COLUMNS = ("when", "message", "status", "category", "agent", "steps", "time", "cost", "read")
