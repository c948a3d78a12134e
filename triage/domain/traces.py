"""What can be asked of the kept traces, and what a list of them and one of them consist of.

Frozen values with aware UTC times, milliseconds and US dollars; not pydantic, as thousands are made for one page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

TraceSort = Literal["created_at", "cost_usd", "active_ms", "turns", "input_tokens", "output_tokens"]


@dataclass(frozen=True, kw_only=True)
class TimeRange:
    """From ``start`` (included) to ``end`` (not included), both aware."""

    start: datetime
    end: datetime

    @property
    def previous(self) -> TimeRange:
        """The range of the same length just before."""
        return TimeRange(start=self.start - (self.end - self.start), end=self.start)

    @property
    def parameters(self) -> dict[str, datetime]:
        """The bounds as the store compares them: UTC without a zone."""
        return {
            name: value.astimezone(UTC).replace(tzinfo=None)
            for name, value in (("start", self.start), ("end", self.end))
        }

    @classmethod
    def last(cls, length: timedelta, *, until: datetime) -> TimeRange:
        """Return the range of that length which ends at ``until``."""
        return cls(start=until - length, end=until)


@dataclass(frozen=True, kw_only=True)
class MeasureFilter:
    """Which part of the work a figure counts; an empty one counts all.

    ``models`` and ``agents`` choose calls; a run is chosen when one and the same of its calls is. ``categories`` (the
    labels in force) and ``customer`` (an address, in any case) choose runs, and calls by their run.
    """

    models: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    customer: str | None = None


@dataclass(frozen=True, kw_only=True)
class TraceFilter:
    """Which traces a list shows; an empty filter shows all, and what is given must all be true.

    Within one tuple any will do. ``text`` is looked for in the words of the spans, and in ids, customer and excerpt.
    ``min_active_ms`` and ``max_active_ms`` are of the work without waiting for people; bounds belong to the range.
    """

    time_range: TimeRange | None = None
    statuses: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    guardrails: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    customer: str | None = None
    conversation_id: str | None = None
    min_cost_usd: Decimal | None = None
    max_cost_usd: Decimal | None = None
    min_active_ms: int | None = None
    max_active_ms: int | None = None
    has_error: bool | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class TraceRow:
    """One trace in the list: a run with what its spans add up to, or what another program did (``run_id`` None).

    The work of other programs has no category, customer or turns; its status is ``completed`` or ``failed``, and
    ``name`` is what the program calls it.
    """

    trace_id: str
    run_id: str | None
    name: str | None = None
    conversation_id: str | None
    customer_email: str | None
    excerpt: str | None
    status: str
    category: str | None
    urgency: str | None
    last_agent: str | None
    cost_usd: Decimal
    unpriced_calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    turns: int
    active_ms: int
    waiting_ms: int | None
    trip_guardrail: str | None
    trip_verdict: str | None
    failure_code: str | None
    degraded: bool
    retry_of: str | None
    created_at: datetime
    started_at: datetime | None
    first_event_at: datetime | None = None
    ended_at: datetime | None
    span_count: int = 0
    error_count: int = 0
    tool_calls: int = 0
    agents: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    guardrails: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TracePage:
    """A page of the list, how many traces the filter finds in all, and where the next page begins (None at the end)."""

    rows: list[TraceRow]
    total: int
    next_offset: int | None = None


@dataclass(frozen=True, kw_only=True)
class TraceNeighbours:
    """The traces before and after one in the order of a list; None at either end."""

    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class TraceChoices:
    """What traces and figures can be filtered by; models in the order of their first use, the others by name."""

    agents: list[str]
    models: list[str]
    tools: list[str]
    guardrails: list[str]


@dataclass(frozen=True, kw_only=True)
class IngestHealth:
    """Whether everything that is written to the spool comes into the store.

    ``lines_set_aside`` could not be read and lie in ``spool/rejected`` or ``inbox/rejected``; ``trouble`` says in a
    sentence why nothing comes in at present and what to do, None when all is well. ``backlog_bytes`` are
    on their way.
    """

    lines_set_aside: int
    trouble: str | None = None
    backlog_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class SpanRow:
    """One finished span; ``depth`` is 0 at the top of the tree, ``content`` what it says in words.

    ``content`` is empty where it was not asked for or is no longer kept; ``content_bytes`` is its length as JSON.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    run_id: str | None
    conversation_id: str | None
    segment: int | None
    kind: str
    name: str
    agent: str | None
    model: str | None
    asked_model: str | None
    tool: str | None
    guardrail: str | None
    stage: str | None
    verdict: str | None
    triggered: bool | None
    from_agent: str | None
    to_agent: str | None
    started_at: datetime
    ended_at: datetime
    duration_ms: float
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: Decimal | None
    is_model_call: bool
    is_retry: bool
    is_fallback: bool
    is_paused: bool
    error_kind: str | None
    error: str | None
    content_bytes: int = 0
    content: dict[str, Any] = field(default_factory=dict)
    depth: int = 0

    @property
    def is_unpriced(self) -> bool:
        """Whether this is a model call that was answered, at least in part, and has no cost."""
        is_answered = self.error is None or self.output_tokens is not None
        return self.is_model_call and is_answered and self.cost_usd is None
