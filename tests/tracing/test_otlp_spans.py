"""What a span looks like outside: names, ids, times, content by both conventions, and our own attributes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.servers.collector import attributes
from triage.tracing.otlp.ids import root_id_of, span_id_of, trace_id_of
from triage.tracing.otlp.memory import CallIds
from triage.tracing.otlp.messages import input_messages, output_messages
from triage.tracing.otlp.spans import MAX_VALUE_LENGTH, root_span_of, span_of

TRACE = "trace_" + "0af7651916cd43dd8448eb211c80319c"
ROW: dict[str, Any] = {
    "type": "span",
    "trace_id": TRACE,
    "span_id": "span_" + "b7ad6b7169203331aabbccdd",
    "kind": "tool",
    "name": "find_orders",
    "tool": "find_orders",
    "agent": "Orders specialist",
    "run_id": "run_1",
    "conversation_id": "conv_1",
    "segment": 1,
    "started_at": "2026-03-04T05:06:07.890123+00:00",
    "ended_at": "2026-03-04T05:06:08.890124+00:00",
}
CHAT = {
    "input": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Where is it?"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "on its way"},
    ],
    "output": [{"role": "assistant", "content": "It is on its way."}],
    "settings": {"temperature": 0.5, "max_tokens": 100, "tool_choice": "auto"},
}
RESPONSES = {
    "instructions": "Be kind.",
    "input": [
        {"role": "user", "content": "Where is it?"},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "on its way"},
    ],
    "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It is on its way."}]},
    ],
    "response_id": "resp_1",
}


def _row(**changes: Any) -> dict[str, Any]:
    return {**ROW, **changes}


def test_ids_are_made_of_the_digits_of_ours() -> None:
    assert trace_id_of(TRACE).hex() == "0af7651916cd43dd8448eb211c80319c"
    assert span_id_of(ROW["span_id"]).hex() == "b7ad6b7169203331"


@given(st.text())
def test_any_other_id_gives_a_valid_one_too(text: str) -> None:
    for found, size in ((trace_id_of(text), 16), (span_id_of(text), 8), (root_id_of(text), 8)):
        assert len(found) == size
        assert any(found)
    assert trace_id_of(text) == trace_id_of(text)


def test_an_id_of_zeros_means_none_to_a_collector_and_is_made_anew() -> None:
    assert any(trace_id_of("trace_" + "0" * 32))
    assert any(span_id_of("span_" + "0" * 24))


def test_a_tool_span_says_who_called_what_with_what() -> None:
    content = {"arguments": {"email": "a@b.example"}, "result": "none"}
    span = span_of(_row(), content, call_id="call_1")
    found = attributes(span)
    assert span.name == "execute_tool find_orders"
    assert span.kind == Span.SPAN_KIND_INTERNAL
    assert span.parent_span_id == root_id_of(TRACE)
    assert span.start_time_unix_nano == 1_772_600_767_890_123_000
    assert span.end_time_unix_nano - span.start_time_unix_nano == 1_000_001_000
    assert span.status.code == Status.STATUS_CODE_OK
    assert found["gen_ai.operation.name"] == "execute_tool"
    assert found["gen_ai.tool.name"] == found["tool.name"] == "find_orders"
    assert found["gen_ai.tool.call.id"] == found["tool.id"] == "call_1"
    assert found["gen_ai.tool.call.arguments"] == found["tool.parameters"] == found["input.value"]
    assert json.loads(found["input.value"]) == content["arguments"]
    assert found["gen_ai.tool.call.result"] == found["output.value"] == "none"
    assert found["gen_ai.conversation.id"] == found["session.id"] == "conv_1"
    assert found["gen_ai.agent.name"] == "Orders specialist"
    assert found["openinference.span.kind"] == "TOOL"
    assert (found["triage.run_id"], found["triage.segment"], found["triage.trace_id"]) == ("run_1", 1, TRACE)


def test_a_span_below_another_one_says_so() -> None:
    span = span_of(_row(parent_id="span_" + "c" * 24), {})
    assert span.parent_span_id.hex() == "c" * 16
    assert not span_of({name: value for name, value in ROW.items() if name != "run_id"}, {}).parent_span_id


@pytest.mark.parametrize("content", [CHAT, RESPONSES], ids=["chat", "responses"])
def test_a_model_call_reads_alike_by_both_protocols_and_both_conventions(content: dict[str, Any]) -> None:
    row = _row(
        kind="model", name="gpt-x", model="gpt-x-2026", asked_model="gpt-x", is_model_call=True, cost_usd="0.001500000",
        input_tokens=120, cached_tokens=20, output_tokens=8, reasoning_tokens=3,
    )  # fmt: skip
    span = span_of(row, content)
    found = attributes(span)
    assert span.name == "chat gpt-x-2026"
    assert span.kind == Span.SPAN_KIND_CLIENT
    assert (found["gen_ai.request.model"], found["gen_ai.response.model"]) == ("gpt-x", "gpt-x-2026")
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (120, 8)
    assert found["gen_ai.usage.cache_read.input_tokens"] == found["llm.token_count.prompt_details.cache_read"] == 20
    assert (found["llm.token_count.prompt"], found["llm.token_count.total"]) == (120, 128)
    assert json.loads(found["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be kind."}]
    assert json.loads(found["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "on its way"}]},
    ]
    assert json.loads(found["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "It is on its way."}], "finish_reason": "stop"}
    ]
    assert found["llm.input_messages.0.message.content"] == "Be kind."
    assert found["llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments"] == '{"a":1}'
    assert found["llm.input_messages.3.message.tool_call_id"] == "c1"
    assert found["llm.output_messages.0.message.content"] == found["output.value"] == "It is on its way."
    assert found["llm.cost.total"] == found["triage.cost_usd"] == 0.0015
    assert found["triage.cost"] == "0.001500000"


def test_an_answered_call_without_a_price_is_told_as_unpriced() -> None:
    found = attributes(span_of(_row(kind="model", name="m", model="m", is_model_call=True, output_tokens=1), {}))
    assert found["triage.unpriced"] is True
    assert "triage.cost_usd" not in found


def test_errors_pauses_and_verdicts_are_told() -> None:
    failed = span_of(_row(error_kind="ToolError", error="No such order."), {})
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert failed.status.message == "No such order."
    assert attributes(failed)["error.type"] == "ToolError"

    paused = span_of(_row(is_paused=True), {})
    assert paused.status.code == Status.STATUS_CODE_UNSET
    assert attributes(paused)["triage.paused"] is True

    checked = attributes(
        span_of(_row(kind="guardrail", name="g", guardrail="g", verdict="harmful", triggered=True), {})
    )
    assert checked["openinference.span.kind"] == "GUARDRAIL"
    assert (checked["triage.guardrail.verdict"], checked["triage.guardrail.triggered"]) == ("harmful", True)


def test_the_root_span_has_what_was_asked_and_what_came_of_it() -> None:
    run = {
        "type": "run", "run_id": "run_1", "trace_id": TRACE, "conversation_id": "conv_1", "status": "failed",
        "failure_code": "turn_limit", "category": "billing", "urgency": "high", "cost_usd": "0.02", "unpriced_calls": 1,
        "customer_email": "ann@example.com", "created_at": "2026-03-04T05:06:00+00:00",
        "started_at": "2026-03-04T05:06:07+00:00", "ended_at": "2026-03-04T05:06:09+00:00",
    }  # fmt: skip
    span = root_span_of(run, {"input": "Where is it?", "output": "On its way."})
    found = attributes(span)
    assert span.name == "invoke_workflow Support triage"
    assert (span.span_id, span.parent_span_id) == (root_id_of(TRACE), b"")
    assert span.end_time_unix_nano - span.start_time_unix_nano == 2_000_000_000
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "turn_limit")
    assert (found["input.value"], found["output.value"]) == ("Where is it?", "On its way.")
    assert (found["triage.category"], found["triage.urgency"], found["triage.status"]) == ("billing", "high", "failed")
    assert (found["triage.cost"], found["triage.unpriced_calls"]) == ("0.02", 1)
    assert found["user.id"] == "ann@example.com"


def test_long_words_are_cut_with_a_mark() -> None:
    found = attributes(span_of(_row(), {"result": "x" * (MAX_VALUE_LENGTH + 5)}))
    assert found["output.value"].endswith("… [5 more characters]")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["role", "content", "type", "tool_calls", "output", "text", "function"]), inner
            )
        ),
        max_leaves=20,
    )
)
def test_content_of_any_shape_gives_messages(value: Any) -> None:
    content = {"input": value, "output": value}
    for message in (*input_messages(content), *output_messages(content)):
        assert isinstance(message.role, str)
        assert isinstance(message.text, str)
    span_of(_row(kind="model", name="m", model="m"), content)


def test_a_tool_call_is_found_by_its_name_and_arguments_until_it_has_run() -> None:
    calls = CallIds()
    calls.note(
        "t", {"output": [{"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"b": 2, "a": 1}'}]}
    )
    calls.note("t", {"output": [{"type": "function_call", "call_id": "c2", "name": "f", "arguments": '{"a":1,"b":2}'}]})
    arguments = {"a": 1, "b": 2}
    assert calls.find("other", tool="f", arguments=arguments, keep=False) is None
    assert calls.find("t", tool="f", arguments={"a": 2}, keep=False) is None
    assert calls.find("t", tool="f", arguments=arguments, keep=True) == "c1"
    assert [calls.find("t", tool="f", arguments=arguments, keep=False) for _ in range(3)] == ["c1", "c2", None]
