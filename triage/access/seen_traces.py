"""Traces as one person or program sees them."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from triage.access.actions import Action, require
from triage.access.teams import sees, team_seen
from triage.domain import Actor
from triage.domain.traces import SpanRow, TraceFilter, TraceRow
from triage.errors import Conflict, NotFound

if TYPE_CHECKING:
    from triage.services.bundle import Services

NO_TRACE = "There is no trace with that id; it may have been written before tracing was on."


class SeenTraces:
    """Single traces, each by the run that it is of; those of other programs belong to nobody's team.

    Every method raises NotAllowed without the action ``traces:read``, and treats a trace that the actor does not see as
    one that does not exist.
    """

    def __init__(self, services: Services, actor: Actor) -> None:
        self._services = services
        self._actor = actor

    @property
    def search(self) -> Any:
        """All traces: the list, what it can be filtered by, and each of them.

        Raises:
            NotAllowed: the actor may not search all traces.
            Conflict: this process has no traces.
        """
        require(self._actor, Action.TRACES_SEARCH)
        return self._queries()

    def is_seen(self, row: TraceRow) -> bool:
        """Whether the actor sees the trace of this row."""
        require(self._actor, Action.TRACES_READ)
        return bool(self._seen_of([row]))

    def find(self, trace_id: str) -> TraceRow | None:
        """Return the row of a trace, or None."""
        row = self.find_for_anybody(trace_id)
        return row if row is not None and self.is_seen(row) else None

    def find_for_anybody(self, trace_id: str) -> TraceRow | None:
        """Return the row of a trace for a cache that many people share; ask ``is_seen`` for each of them."""
        require(self._actor, Action.TRACES_READ)
        row: TraceRow | None = self._queries().find_summary(trace_id)
        return row

    def of_conversation(self, conversation_id: str, *, limit: int = 50) -> builtins.list[TraceRow]:
        """Return the traces of a conversation, oldest first."""
        require(self._actor, Action.TRACES_READ)
        wanted = TraceFilter(conversation_id=conversation_id)
        return self._seen_of(self._queries().find(wanted, descending=False, limit=limit).rows)

    def require(self, trace_id: str) -> None:
        """Refuse a trace that the actor does not see.

        Raises:
            NotFound: there is no such trace.
        """
        require(self._actor, Action.TRACES_READ)
        # Spans of a run may be in the store before its row; who sees all teams need not wait for it.
        if team_seen(self._actor) is not None and self.find(trace_id) is None:
            raise NotFound(NO_TRACE)

    def spans(self, trace_id: str, *, with_content: bool = True) -> builtins.list[SpanRow]:
        """Return the spans of a trace, each below its parent.

        Raises:
            NotFound: there is no such trace.
        """
        self.require(trace_id)
        found: builtins.list[SpanRow] = self._queries().spans(trace_id, with_content=with_content)
        return found

    def content(self, trace_id: str, span_id: str) -> dict[str, Any]:
        """Return what one span says; empty where it says nothing or its words are no longer kept.

        Raises:
            NotFound: there is no such trace.
        """
        self.require(trace_id)
        found: dict[str, Any] = self._queries().content(trace_id, span_id)
        return found

    def _seen_of(self, rows: Sequence[TraceRow]) -> builtins.list[TraceRow]:
        if team_seen(self._actor) is None:
            return builtins.list(rows)
        with self._services.records.read() as tx:
            runs = tx.runs.list_among({row.run_id for row in rows if row.run_id})
        seen = {run.id for run in runs if sees(self._actor, run.team)}
        return [row for row in rows if row.run_id in seen]

    def _queries(self) -> Any:
        queries: Any = self._services.trace_queries
        if queries is None:
            raise Conflict("The traces are open in the console only; ask there.")
        return queries
