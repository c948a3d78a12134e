"""A killed segment that is run again adds what was missing and nothing twice."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

from agents.tracing import agent_span, function_span, generation_span, trace

from triage.scope import _SCOPE, RunScope

TRACE_ID = "trace_" + "d" * 32


def _attempt(*, is_replay: bool, killed: bool) -> None:
    """Start the segment; in a context of its own, because a kill leaves no current span behind."""
    copy_context().run(_segment, is_replay=is_replay, killed=killed)


def _segment(*, is_replay: bool, killed: bool) -> None:
    """A tool span that ends, then one that ends only when nothing kills the process."""
    _SCOPE.set(RunScope(run_id="run_1", is_replay=is_replay))
    with trace("t", trace_id=TRACE_ID):
        agent = agent_span("Triage agent")
        agent.start(mark_as_current=True)
        if not is_replay:
            with generation_span(model="offline-rules"):
                pass
        with function_span("look_up", output="first" if not is_replay else "recorded"):
            pass
        if not killed:
            with function_span("look_up", output="second"):
                pass
            agent.finish(reset_current=True)


def test_only_the_missing_spans_come_in(tracing: Any) -> None:
    _attempt(is_replay=False, killed=True)
    tracing.reopen()
    _attempt(is_replay=True, killed=False)

    rows = tracing.spans()
    assert sorted(row["kind"] for row in rows) == ["agent", "model", "tool", "tool"]
    assert '"first"' in next(row["content"] for row in rows if row["kind"] == "tool"), "The first one counts."
    parents = {row["parent_id"] for row in rows if row["kind"] != "agent"}
    assert parents == {row["span_id"] for row in rows if row["kind"] == "agent"}, "Both attempts are one tree."


def test_both_attempts_in_one_batch_count_once(tracing: Any) -> None:
    _attempt(is_replay=False, killed=True)
    _attempt(is_replay=True, killed=True)
    _attempt(is_replay=True, killed=False)

    assert sorted(row["kind"] for row in tracing.spans()) == ["agent", "model", "tool", "tool"]


def test_two_replays_in_one_batch_count_once(tracing: Any) -> None:
    _attempt(is_replay=True, killed=False)
    _attempt(is_replay=True, killed=False)

    assert sorted(row["kind"] for row in tracing.spans()) == ["agent", "tool", "tool"]
