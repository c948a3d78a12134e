"""The tracing processor: turns what the SDK tells into spool lines, quickly and without ever failing the run."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import structlog
from agents.tracing import Span, Trace, TracingProcessor
from agents.tracing.scope import Scope

from triage.domain import Run, utc_now
from triage.domain.traces import IngestHealth
from triage.scope import asked_call, current_scope
from triage.tracing.content import content_of, to_line, to_plain
from triage.tracing.rows import agent_of, asked_columns, guardrail_of, run_columns, span_columns, verdict_columns
from triage.tracing.spool import SEGMENT_BYTES, Spool

if TYPE_CHECKING:
    from triage.tracing.ingest import TraceSink

ContentMode = Literal["full", "redacted", "none"]
FLUSH_TIMEOUT_S = 30.0
_MAX_OPEN_TRACES = 10_000

log = structlog.get_logger(__name__)


class SpoolingProcessor(TracingProcessor):
    """Writes every finished span to the spool at once and lets a thread bring it into the store.

    ``spans_written`` counts since the start.

    With ``sink`` None it only writes the spool, for a process that does not own the store. ``content`` says how much of
    messages and tool calls is kept (``TRIAGE_TRACE_CONTENT``). ``interval_s`` is how long a span waits for the store.
    """

    def __init__(
        self,
        spool_dir: Path,
        *,
        sink: TraceSink | None,
        content: ContentMode = "full",
        interval_s: float = 1.0,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._content: ContentMode = content
        if content == "redacted":
            # Now, because it takes a moment; only here, because another program's processor need not have its packages.
            import triage.redaction.redact  # noqa: F401, PLC0415
        self._spool = Spool(spool_dir, segment_bytes=segment_bytes)
        # For whom every open span by trace works (agent, guardrail), because a model or tool span names neither and
        # its parent is only an id.
        self._agents: dict[str, dict[str, tuple[str | None, str | None]]] = {}
        # Spans end in several threads; a counter counts in one step.
        self._span_numbers = itertools.count(1)
        self.spans_written = 0
        self._ingester = None
        if sink is not None:
            # Another program that only writes lines needs neither this nor its packages.
            from triage.tracing.ingest import Ingester  # noqa: PLC0415

            self._ingester = Ingester(self._spool, sink, interval_s=interval_s)
            self._ingester.start()

    def on_trace_start(self, trace: Trace) -> None:
        """Note that a trace without a run exists; a run's own record says more than this would."""
        if current_scope() is None:
            self._guarded(lambda: self._spool.append(to_line(_trace_record(trace))))

    def on_trace_end(self, trace: Trace) -> None:
        """Forget the open spans of the trace."""
        self._agents.pop(trace.trace_id, None)

    def on_span_start(self, span: Span[Any]) -> None:
        """Remember whose span it is."""
        self._guarded(lambda: self._remember_agent(span))

    def on_span_end(self, span: Span[Any]) -> None:
        """Write the finished span to the spool."""
        self._guarded(lambda: self._spool.append(self._span_line(span)))
        self.spans_written = next(self._span_numbers)

    def record_run(self, run: Run, *, first_event_at: datetime | None = None) -> None:
        """Write where a run is now; the version with the latest ``updated_at`` is the one that counts.

        ``first_event_at`` is when an agent first showed that it works on the run.
        """
        self._guarded(lambda: self._spool.append(self._run_line(run, first_event_at)))

    def write_lines(self, lines: bytes) -> bool:
        """Write finished lines of others; return False while the disk takes nothing and they only wait in memory."""
        if lines:
            self._spool.append(lines)
        return self._spool.retry()

    def health(self) -> IngestHealth | None:
        """Return whether everything that is written comes into the store; None in a process that does not own it."""
        return None if self._ingester is None else self._ingester.health()

    def flush(self, *, timeout_s: float = FLUSH_TIMEOUT_S) -> bool:
        """Wait until everything written so far is queryable; return whether it is."""
        return self._ingester is None or self._ingester.flush(timeout_s=timeout_s)

    def drain(self) -> bool:
        """Bring everything written so far into the store and leave no file of it; return whether that came true."""
        self._spool.close()
        return self.flush()

    def force_flush(self) -> None:
        """Wait until everything written so far is queryable, half a minute at most."""
        self.flush()

    def shutdown(self, timeout: float | None = None) -> None:
        """Bring the rest into the store and end the thread; what does not get there in time waits in the spool.

        A full disk gets as long to take what waits in memory; there is nowhere else to keep that.
        """
        timeout_s = FLUSH_TIMEOUT_S if timeout is None else timeout
        self._spool.close(patience_s=timeout_s)
        if self._ingester is not None:
            self._ingester.stop(timeout_s=timeout_s)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do the work; whatever goes wrong is logged and stays here."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the boundary: observing a run never breaks it.
            log.error("span_not_recorded", error=type(error).__name__)  # noqa: TRY400 - it may hold a payload.

    def _remember_agent(self, span: Span[Any]) -> None:
        if len(self._agents) > _MAX_OPEN_TRACES:
            self._agents.clear()
        spans = self._agents.setdefault(span.trace_id, {})
        agent, guardrail = spans.get(span.parent_id or "", (None, None))
        spans[span.span_id] = (agent_of(span.span_data) or agent, guardrail_of(span.span_data) or guardrail)

    def _forget_agent(self, span: Span[Any]) -> tuple[str | None, str | None]:
        """Return for whom the span works; with its last open span a trace goes, as a resumed one is told no end."""
        spans = self._agents.get(span.trace_id)
        if spans is None:
            return None, None
        found = spans.pop(span.span_id, (None, None))
        if not spans:
            self._agents.pop(span.trace_id, None)
        return found

    def _run_line(self, run: Run, first_event_at: datetime | None) -> bytes:
        with_customer = self._content == "full"
        return to_line({"type": "run", **run_columns(run, with_customer=with_customer, first_event_at=first_event_at)})

    def _span_line(self, span: Span[Any]) -> bytes:
        row = {"type": "span", **span_columns(span), **_run_place(span)}
        agent, guardrail = self._forget_agent(span)
        if (agent := agent or agent_of(span.span_data)) is not None:
            row["agent"] = agent
        if guardrail is not None and row.get("is_model_call"):
            row["guardrail"] = guardrail
        asked = asked_call() if row.get("is_model_call") else None
        if asked is not None:
            row.update(asked_columns(asked))
            if row["model"] is None:
                row["model"] = row["name"] = asked.model
        content = content_of(span.span_data)
        verdict = _verdict_of(span)
        if verdict:
            row.update(verdict_columns(verdict))
            content = {**(content or {}), **{name: value for name, value in verdict.items() if name not in row}}
        if self._content == "redacted":
            from triage.redaction.redact import redact, redact_text  # noqa: PLC0415 - see __init__

            # Before the spool, in the thread that ends the span: what a kill leaves behind must be redacted, too.
            content = redact(to_plain(content))
            if "error" in row:
                row["error"] = redact_text(row["error"])
        elif self._content == "none":
            content = None
            if "error" in row:
                row["error"] = row["error_kind"]
        return to_line(row, content)


def _run_place(span: Span[Any]) -> dict[str, Any]:
    """Return the columns that say to which run and conversation a span belongs."""
    place: dict[str, Any] = {}
    scope = current_scope()
    if scope is not None:
        place = {"run_id": scope.run_id, "segment": scope.segment}
        if scope.is_replay:
            place["is_replay"] = True
    elif span.trace_metadata and span.trace_metadata.get("run_id"):
        place = {"run_id": str(span.trace_metadata["run_id"])}
    trace = Scope.get_current_trace()
    group_id = getattr(trace, "group_id", None)
    if group_id is not None and trace is not None and trace.trace_id == span.trace_id:
        place["conversation_id"] = str(group_id)
    return place


def _verdict_of(span: Span[Any]) -> dict[str, Any] | None:
    """Return what a guardrail said, from the scope, because the SDK's span keeps its name only."""
    scope = current_scope()
    if scope is None or span.span_data.type != "guardrail":
        return None
    return scope.verdicts.get(span.span_data.name)


def _trace_record(trace: Trace) -> dict[str, Any]:
    metadata = getattr(trace, "metadata", None) or {}
    return {
        "type": "trace",
        "trace_id": trace.trace_id,
        "name": trace.name,
        "run_id": metadata.get("run_id"),
        "conversation_id": getattr(trace, "group_id", None),
        "started_at": utc_now().isoformat(),
    }
