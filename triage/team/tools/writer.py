"""The reply writer as a tool: a small agent on its own model whose words are streamed to whoever watches."""

from __future__ import annotations

import time
from typing import Any

from agents import (
    Agent,
    FunctionTool,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    RunConfig,
    Runner,
    StreamEvent,
)

from triage.approvals.gate import ActionGate
from triage.team.calls import Outcome, ToolCall, finish_call, tell_called, tell_failed
from triage.team.context import RunFacts, TriageContext, scope_of
from triage.team.tools.building import desk_tool

_WRITER_TURNS = 2
_NO_DRAFT = "The writer could not write this reply. Write it yourself in reply_draft, and set requires_human."


def draft_tool(writer: Agent[TriageContext], gate: ActionGate) -> FunctionTool:
    """Build ``draft_reply``.

    The call is not a durable step of its own: the writer's model call is one, and steps do not nest.
    """

    async def draft_reply(call: ToolCall, brief: str) -> str:  # noqa: D417
        """Have the reply to the customer written. Call it once, last, when everything it rests on is known.

        The writer sees the customer's message and the brief, nothing else. Returns the reply. Leave reply_draft empty
        afterwards: the text is taken as it stands.

        Args:
            brief: What to tell the customer: the facts found, the steps to try with titles and URLs of the articles,
                what was done (ticket id), what was rejected and why, and what happens next.
        """
        tell_called(call)
        started = time.perf_counter()
        failure = ""
        try:
            text = (await _write(writer, call, brief)).strip()
        except (MaxTurnsExceeded, ModelBehaviorError, ModelRefusalError) as error:
            text, failure = "", type(error).__name__
        duration_ms = round((time.perf_counter() - started) * 1000)
        if not text:
            tell_failed(call, _NO_DRAFT, kind=failure or "EmptyDraft", duration_ms=duration_ms)
            return _NO_DRAFT
        scope_of(call.context).events.finish_text(call.tool_call_id, text)
        outcome = Outcome(output=text, summary=f"{len(text.split())} words", facts=RunFacts(draft=text))
        finish_call(call, outcome, duration_ms=duration_ms)
        return text

    return desk_tool(draft_reply, limits={"brief": 8000}, shows_data=False, gate=gate, step="model:writer")


async def _write(writer: Agent[TriageContext], call: ToolCall, brief: str) -> str:
    """Run the writer and pass its words on as they come."""
    run = Runner.run_streamed(
        writer,
        _assignment(call.context, brief),
        context=call.context,
        max_turns=_WRITER_TURNS,
        run_config=call.run_config or RunConfig(),
    )
    try:
        async for event in run.stream_events():
            _pass_on(call, event)
    except BaseException:
        # Also on cancellation: the nested run must not go on behind a call that has ended.
        run.cancel()
        raise
    return str(run.final_output or "")


def _pass_on(call: ToolCall, event: StreamEvent) -> None:
    """Pass one event on; a response that begins voids the text before it, also text from before a kill."""
    if event.type != "raw_response_event":
        return
    raw: Any = event.data
    events = scope_of(call.context).events
    if raw.type == "response.created":
        events.restart_text(call.tool_call_id)
    elif raw.type == "response.output_text.delta":
        events.text(call.tool_call_id, raw.delta)


def _assignment(context: TriageContext, brief: str) -> str:
    """Return the writer's input: the customer's words, then the brief."""
    message = context.message.strip()
    return f"Customer's message:\n<message>\n{message}\n</message>\n\nBrief:\n<brief>\n{brief.strip()}\n</brief>"
