"""The thread that carries the outbox to the collector: with pauses while it does not answer, and never in a hurry."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import orjson
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from triage.domain import Run, utc_now
from triage.redaction.redact import redact_text
from triage.tracing.otlp.memory import CallIds, TraceWords
from triage.tracing.otlp.outbox import Block, Outbox
from triage.tracing.otlp.sending import Outcome
from triage.tracing.otlp.spans import request_of, root_span_of, span_of
from triage.tracing.otlp.status import ExportStatus
from triage.tracing.pricing import add_costs
from triage.tracing.rows import finish_times

STOP_TIMEOUT_S = 3.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_LOOK_EVERY_S = 5.0
_SPREAD = random.Random()  # noqa: S311 - it spreads pauses, there is nothing to guess.

log = structlog.get_logger(__name__)


class Sender(Protocol):
    """Where requests go."""

    def send(self, request: ExportTraceServiceRequest) -> Outcome:
        """Send a request and say what came of it."""

    def close(self) -> None:
        """Close the connections."""


@dataclass
class _Pending:
    """Spans of a block that still have to be taken, with what is known of the others."""

    block: Block
    spans: list[Span]
    unreadable: int
    refused: int = 0
    sent: int = 0


class OtlpExporter:
    """Sends what is in the outbox, in order.

    ``content`` says how much of messages may go out, as for the trace store; ``find_run`` gives the words of a run,
    which its line does not have.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        sender: Sender,
        content: str = "full",
        find_run: Callable[[str], Run | None] = lambda _: None,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._content = content
        self._find_run = find_run
        self._first_pause_s = first_pause_s
        self._calls = CallIds()
        self._words = TraceWords()
        self._pending: _Pending | None = None
        # Held from the look at what waits until the collector has answered.
        self._sending = threading.Lock()
        self._failures = 0
        self._asked_to_wait_s = 0.0
        self._state = threading.Condition()
        self._stopping = False
        self._has_news = True
        self._is_idle = False
        self._thread = threading.Thread(target=self._work, name="otlp-export", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._outbox.on_put = self._wake
        self._thread.start()

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Send what can be sent at once and end the thread; what waits goes out after the next start."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._outbox.close()
        if not self._thread.is_alive():
            # A thread that still waits for an answer ends with the process; its spans count as not sent.
            self._sender.close()

    def flush(self, *, timeout_s: float) -> bool:
        """Wait until everything in the outbox was sent or refused; return whether that came true in time."""
        deadline = time.monotonic() + timeout_s
        with self._state:
            self._has_news, self._is_idle = True, False
            self._state.notify_all()
            return self._state.wait_for(lambda: self._is_idle, max(0.0, deadline - time.monotonic()))

    def status(self) -> ExportStatus:
        """Return how the export is doing."""
        return self._outbox.status

    def forget(self, trace_ids: set[str]) -> int:
        """Take everything of these traces out of what still has to go out; return how many lines that were.

        It waits for the answer to a request that is on its way: when this returns, nothing of them goes out any more.
        """
        with self._sending:
            return self._outbox.forget(trace_ids)

    def _wake(self) -> None:
        with self._state:
            self._has_news, self._is_idle = True, False
            self._state.notify_all()

    def _work(self) -> None:
        while True:
            with self._state:
                stopping, self._has_news = self._stopping, False
            is_done = self._try_round(until=time.monotonic() + STOP_TIMEOUT_S if stopping else None)
            if stopping:
                return
            with self._state:
                self._is_idle = is_done and not self._has_news
                self._state.notify_all()
                self._state.wait_for(partial(self._is_urgent, is_done=is_done), self._pause())

    def _is_urgent(self, *, is_done: bool) -> bool:
        """Whether the next round must not wait; a collector that does not answer is not asked for every new span."""
        return self._stopping or (is_done and self._has_news)

    def _pause(self) -> float:
        if not self._failures:
            return _LOOK_EVERY_S
        longest = min(self._first_pause_s * 2.0 ** (self._failures - 1), _LONGEST_PAUSE_S)
        # Several consoles must not come back to a collector in step.
        return max(self._asked_to_wait_s, longest * _SPREAD.uniform(0.5, 1.0))

    def _try_round(self, *, until: float | None) -> bool:
        """Send until nothing waits; return False when the rest has to wait."""
        try:
            while until is None or time.monotonic() < until:
                self._outbox.trim()
                with self._sending:
                    went_on = self._send_block()
                if not went_on:
                    return self._pending is None
                if until is None and self._stopping:
                    return True
        except Exception as error:  # noqa: BLE001 - the boundary: the export must not end, and reaches no run.
            self._fail(Outcome(kind="later", problem=f"The export itself failed ({type(error).__name__})."))
        return False

    def _send_block(self) -> bool:
        """Send the oldest block; return False when there is none, or when the collector has to be asked again."""
        pending = self._pending
        if pending is None or not self._outbox.is_current(pending.block):
            # What was taken out of the files meanwhile must not go out from here either.
            pending = self._pending = self._read()
        if pending is None:
            return False
        if pending.spans and not self._deliver(pending):
            return False
        status = self._outbox.status
        self._outbox.done(
            pending.block,
            sent=status.sent + pending.sent,
            refused=status.refused + pending.refused,
            unreadable=status.unreadable + pending.unreadable,
            **({"last_sent_at": utc_now(), "problem": None, "failing_since": None} if pending.sent else {}),
        )
        self._pending = None
        if self._failures:
            log.info("otlp_export_works_again")
        self._failures, self._asked_to_wait_s = 0, 0.0
        return True

    def _deliver(self, pending: _Pending) -> bool:
        """Send the spans, in halves where the collector refuses them together; return False to try again later."""
        waiting = [pending.spans]
        while waiting:
            spans = waiting.pop()
            outcome = self._sender.send(request_of(spans))
            if outcome.kind == "later":
                pending.spans = [span for rest in (spans, *reversed(waiting)) for span in rest]
                self._fail(outcome)
                return False
            if outcome.kind == "refused" and len(spans) > 1:
                middle = len(spans) // 2
                waiting += [spans[middle:], spans[:middle]]
                continue
            refused = len(spans) if outcome.kind == "refused" else min(outcome.rejected, len(spans))
            if refused:
                log.warning("otlp_spans_refused", spans=refused, problem=outcome.problem)
            pending.refused += refused
            pending.sent += len(spans) - refused
        return True

    def _fail(self, outcome: Outcome) -> None:
        if self._failures == 0:
            log.warning("otlp_export_failed", problem=outcome.problem)
        self._failures += 1
        self._asked_to_wait_s = outcome.retry_after_s or 0.0
        status = self._outbox.status
        if status.problem != outcome.problem or status.failing_since is None:
            self._outbox.note(problem=outcome.problem, failing_since=status.failing_since or utc_now())

    def _read(self) -> _Pending | None:
        block = self._outbox.next()
        if block is None:
            return None
        spans: list[Span] = []
        unreadable = 0
        for line in block.lines:
            try:
                spans.append(self._span(orjson.loads(line)))
            except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
                unreadable += 1
        return _Pending(block, spans, unreadable)

    def _span(self, row: dict[str, Any]) -> Span:
        if row["type"] == "run":
            return root_span_of(row, self._run_words(row))
        content = orjson.loads(row["content"]) if row.get("content") else {}
        if row.get("is_model_call"):
            _add_cost(row)
            self._calls.note(row["trace_id"], content)
            if not row.get("run_id"):
                self._words.note(row["trace_id"], content)
        call_id = None
        if row["kind"] == "tool":
            call_id = self._calls.find(
                row["trace_id"],
                tool=str(row.get("tool")),
                arguments=content.get("arguments"),
                keep=bool(row.get("is_paused")),
            )
        is_top = not row.get("parent_id") and not row.get("run_id")
        words = self._words.take(row["trace_id"]) if is_top else {}
        return span_of(row, content, call_id=call_id, words=words)

    def _run_words(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return what the customer wrote and what the customer gets, as far as it may go out."""
        run = None if self._content == "none" else self._find_run(row["run_id"])
        words = {"input": run.message, "output": run.reply} if run else {"input": row.get("excerpt")}
        shown = {name: text for name, text in words.items() if text and self._content != "none"}
        return {name: redact_text(text) for name, text in shown.items()} if self._content == "redacted" else shown


def _add_cost(row: dict[str, Any]) -> None:
    """Price a call that nothing of ours made, as the trace store does with the same line."""
    if row.get("is_priced") or row.get("cost_usd") is not None:
        return
    names = ("asked_model", "model", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
    call = {name: row.get(name) for name in names} | finish_times({"started_at": row["started_at"]})
    add_costs([call])
    row["cost_usd"] = call.get("cost_usd")
