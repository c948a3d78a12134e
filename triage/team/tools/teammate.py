"""The tool with which an agent asks a person."""

from __future__ import annotations

from agents import FunctionTool

from triage.approvals.gate import ActionGate
from triage.team.calls import Outcome, ToolCall, as_json, run_call
from triage.team.tools.building import desk_tool


def teammate_tool(gate: ActionGate) -> FunctionTool:
    """Build ``ask_teammate``."""

    async def ask_teammate(call: ToolCall, question: str) -> str:  # noqa: D417
        """Ask a colleague of the support team one question, when neither the articles nor the records answer it.

        The run waits until a person answers, so ask only what the reply depends on, and once. Returns JSON with the
        answer in the colleague's words. Do not ask a colleague to act: tickets and refunds have tools of their own.

        Args:
            question: The question in one or two sentences, with what they need to know to answer it.
        """
        decided = call.context.decided[call.tool_call_id]

        def work() -> Outcome:
            answer = {"question": question, "answer": decided.arguments.get("answer", "")}
            return Outcome(output=as_json(answer), summary="answered by a colleague")

        return await run_call(call, work)

    return desk_tool(ask_teammate, limits={"question": 1000}, gate=gate, asks=True)
