"""What a real run of the SDK leaves in the store."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailTripwireTriggered,
    RunConfig,
    Runner,
    Usage,
    function_tool,
)
from agents.testing import ScriptedModel, assistant_message, function_call
from agents.tracing import ResponseSpanData, SpanError, generation_span, get_current_span, get_trace_provider, trace
from agents.usage import InputTokensDetails, OutputTokensDetails
from openai.types.responses import Response

from triage.scope import RunScope

CONFIG = RunConfig(
    trace_id="trace_" + "a" * 32, group_id="conv_1", workflow_name="Support triage", trace_metadata={"run_id": "run_1"}
)


@function_tool
def find_orders(email: str) -> str:
    """Find orders."""
    return f"one order of {email}"


@function_tool(needs_approval=True)
def process_refund(order_id: str) -> str:
    """Refund an order."""
    return f"refunded {order_id}"


@function_tool(failure_error_function=None)
def broken() -> str:
    """Fail."""
    raise RuntimeError("the shelf is empty")


def call(name: str, **arguments: Any) -> list[Any]:
    return [function_call(name, json.dumps(arguments), call_id=f"call_{name}")]


async def test_a_run_becomes_typed_rows_below_one_task(tracing: Any, scope: RunScope) -> None:
    orders = Agent(
        name="Orders specialist",
        model=ScriptedModel(
            [call("find_orders", email="a@b.example"), [assistant_message("Shipped.")]], emit_traces=True
        ),
        tools=[find_orders],
    )
    triage_model = ScriptedModel(
        [[function_call("transfer_to_orders_specialist", "{}", call_id="call_h")]], emit_traces=True
    )
    triage = Agent(name="Triage agent", model=triage_model, handoffs=[orders])

    await Runner.run(triage, "Where is my order?", run_config=CONFIG)

    rows = tracing.spans()
    assert {row["run_id"] for row in rows} == {"run_1"}
    assert {row["trace_id"] for row in rows} == {CONFIG.trace_id}
    assert {row["conversation_id"] for row in rows} == {"conv_1"}
    kinds = [row["kind"] for row in rows]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "task": 1,
        "agent": 2,
        "turn": 3,
        "model": 3,
        "tool": 1,
        "handoff": 1,
    }
    tool = tracing.span(kind="tool")
    assert (tool["tool"], tool["agent"], tool["is_paused"]) == ("find_orders", "Orders specialist", False)
    assert json.loads(tool["content"]) == {
        "arguments": {"email": "a@b.example"},
        "result": "one order of a@b.example",
    }
    handoff = tracing.span(kind="handoff")
    assert (handoff["from_agent"], handoff["to_agent"]) == ("Triage agent", "Orders specialist")
    assert sorted(row["agent"] for row in rows if row["kind"] == "model") == [
        "Orders specialist",
        "Orders specialist",
        "Triage agent",
    ]
    for row in rows:
        assert row["duration_ms"] == pytest.approx((row["ended_at"] - row["started_at"]).total_seconds() * 1000)


async def test_tokens_stand_on_model_calls_only(tracing: Any, scope: RunScope) -> None:
    usage = Usage(
        requests=1,
        input_tokens=1000,
        output_tokens=200,
        total_tokens=1200,
        input_tokens_details=InputTokensDetails(cached_tokens=400, cache_write_tokens=0),
        output_tokens_details=OutputTokensDetails(reasoning_tokens=50),
    )

    class Priced(ScriptedModel):
        async def get_response(self, *args: Any, **kwargs: Any) -> Any:
            with generation_span(model="gpt-4o", input=[{"role": "user", "content": "hi"}]) as span:
                response = await super().get_response(*args, **kwargs)
                span.span_data.usage = {
                    "input_tokens": 1000,
                    "output_tokens": 200,
                    "input_tokens_details": {"cached_tokens": 400},
                    "output_tokens_details": {"reasoning_tokens": 50},
                }
                return response

    agent = Agent(name="Triage agent", model=Priced([[assistant_message("done")]], default_usage=usage))
    await Runner.run(agent, "hi", run_config=CONFIG)

    rows = tracing.spans()
    with_tokens = [row for row in rows if row["input_tokens"] is not None or row["cost_usd"] is not None]
    assert [row["kind"] for row in with_tokens] == ["model"]
    model = with_tokens[0]
    assert [model[name] for name in ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")] == [
        1000,
        400,
        200,
        50,
    ]
    # 600 fresh tokens at 2.50, 400 cached at 1.25 and 200 answered at 10 dollars per million.
    assert model["cost_usd"] == Decimal("0.004000000")
    # The SDK repeats the tokens on turn and task; they stay readable there.
    assert json.loads(tracing.span(kind="task")["content"])["usage"]["input_tokens"] == 1000


async def test_a_paused_call_is_told_from_the_one_that_ran(tracing: Any, scope: RunScope) -> None:
    model = ScriptedModel([call("process_refund", order_id="2"), [assistant_message("Refunded.")]], emit_traces=True)
    agent = Agent(name="Orders specialist", model=model, tools=[process_refund])

    paused = await Runner.run(agent, "refund", run_config=CONFIG)
    state = paused.to_state()
    state.approve(paused.interruptions[0])
    scope.segment, scope.ordinals = 1, {}
    await Runner.run(agent, state, run_config=CONFIG)

    tools = [row for row in tracing.spans() if row["kind"] == "tool"]
    assert [(row["segment"], row["is_paused"]) for row in tools] == [(0, True), (1, False)]
    assert {row["trace_id"] for row in tools} == {CONFIG.trace_id}
    assert tools[0]["span_id"] != tools[1]["span_id"]
    assert tracing.processor._agents == {}, "A resumed trace has no end of its own, and must not stay in memory."


async def test_a_failed_tool_is_an_error_with_its_place(tracing: Any, scope: RunScope) -> None:
    agent = Agent(name="Triage agent", model=ScriptedModel([call("broken")], emit_traces=True), tools=[broken])

    with pytest.raises(Exception, match="shelf"):
        await Runner.run(agent, "hi", run_config=CONFIG)

    row = tracing.span(kind="tool")
    assert row["error_kind"] == "Error running tool"
    assert "the shelf is empty" in row["error"]
    assert row["is_paused"] is False


async def test_a_call_that_fails_with_a_sentence_of_ours_has_its_kind(tracing: Any, scope: RunScope) -> None:
    @function_tool
    def refuse() -> str:
        """Refuse."""
        get_current_span().set_error(SpanError(message="There is no order 7.", data={"kind": "ToolError"}))
        return "There is no order 7."

    model = ScriptedModel([call("refuse"), [assistant_message("done")]], emit_traces=True)
    await Runner.run(Agent(name="Triage agent", model=model, tools=[refuse]), "hi", run_config=CONFIG)

    row = tracing.span(kind="tool")
    assert (row["error_kind"], row["error"]) == ("ToolError", "There is no order 7.")


async def test_a_guardrail_keeps_what_it_said(tracing: Any, scope: RunScope) -> None:
    async def judge(*_: Any) -> GuardrailFunctionOutput:
        scope.verdicts["Input check"] = {"stage": "input", "verdict": "off_topic", "reason": "asks for a poem"}
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    guardrail = InputGuardrail(judge, name="Input check", run_in_parallel=False)
    agent = Agent(name="Triage agent", model=ScriptedModel([], emit_traces=True), input_guardrails=[guardrail])

    with pytest.raises(InputGuardrailTripwireTriggered):
        await Runner.run(agent, "a poem please", run_config=CONFIG)

    row = tracing.span(kind="guardrail")
    assert (row["guardrail"], row["stage"], row["verdict"], row["triggered"]) == (
        "Input check",
        "input",
        "off_topic",
        True,
    )
    assert json.loads(row["content"])["reason"] == "asks for a poem"


def test_a_responses_span_is_read_from_its_response(tracing: Any, scope: RunScope) -> None:
    response = Response.model_validate(
        {
            "id": "resp_1",
            "created_at": 0,
            "model": "gpt-4o",
            "object": "response",
            "instructions": "Be kind.",
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
            "output": [
                {
                    "id": "msg_1",
                    "type": "message",
                    "role": "assistant",
                    "status": "completed",
                    "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
                }
            ],
            "usage": {
                "input_tokens": 10,
                "output_tokens": 2,
                "total_tokens": 12,
                "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 1},
            },
        }
    )
    with trace("t"):
        data = ResponseSpanData(response=response, input="Hi")
        with get_trace_provider().create_span(data):
            pass

    row = tracing.span(kind="model")
    assert (row["model"], row["name"], row["input_tokens"], row["cached_tokens"]) == ("gpt-4o", "gpt-4o", 10, 4)
    content = json.loads(row["content"])
    assert content["input"] == "Hi"
    assert content["instructions"] == "Be kind."
    assert content["output"][0]["content"][0]["text"] == "Hello."


def test_a_model_without_price_is_unpriced_and_the_offline_one_is_free(tracing: Any, scope: RunScope) -> None:
    with trace("t"):
        for model in ("house-model", "offline-rules"):
            with generation_span(model=model) as span:
                span.span_data.usage = {"input_tokens": 5, "output_tokens": 5}

    assert tracing.span(model="house-model")["cost_usd"] is None
    assert tracing.span(model="offline-rules")["cost_usd"] == Decimal(0)
