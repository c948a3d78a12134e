"""The attribute names are those of the published conventions."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

with warnings.catch_warnings():
    # The names have moved to a repository of their own, of which there is no package yet.
    warnings.simplefilter("ignore", DeprecationWarning)
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from openinference.semconv.trace import (
    MessageAttributes,
    OpenInferenceSpanKindValues,
    SpanAttributes,
    ToolCallAttributes,
)
from opentelemetry.semconv.attributes import error_attributes

from triage.tracing.otlp import gen_ai, openinference

_NAME = re.compile(r'"((?:gen_ai|llm|tool|agent|session|user|input|output|openinference)\.[a-z_.]+)"')


def _names(module: object) -> set[str]:
    return {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}


def _used(module: object) -> set[str]:
    return set(_NAME.findall(Path(str(module.__file__)).read_text(encoding="utf-8")))  # type: ignore[attr-defined]


def test_the_names_for_generative_ai_are_in_the_conventions() -> None:
    used = _used(gen_ai)
    assert len(used) > 20
    assert used <= _names(gen_ai_attributes)


def test_the_names_of_openinference_are_in_its_conventions() -> None:
    used = _used(openinference)
    assert len(used) > 15
    assert used <= _names(SpanAttributes)


def test_the_names_within_messages_are_in_its_conventions() -> None:
    message = "llm.output_messages.0.message"
    found = openinference.openinference_attributes(
        {"kind": "model", "name": "m"},
        {
            "output": [
                {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}
            ],
            "input": [{"role": "tool", "content": "x", "tool_call_id": "c"}],
        },
    )
    assert found[f"llm.input_messages.0.{MessageAttributes.MESSAGE_TOOL_CALL_ID}"] == "c"
    calls = f"llm.output_messages.0.{MessageAttributes.MESSAGE_TOOL_CALLS}.0"
    assert calls.startswith(message)
    assert found[f"{calls}.{ToolCallAttributes.TOOL_CALL_ID}"] == "c"
    assert found[f"{calls}.{ToolCallAttributes.TOOL_CALL_FUNCTION_NAME}"] == "f"
    assert found[f"{calls}.{ToolCallAttributes.TOOL_CALL_FUNCTION_ARGUMENTS_JSON}"] == "{}"


def test_kinds_and_operations_are_known() -> None:
    kinds = {kind.value for kind in OpenInferenceSpanKindValues}
    operations = {value.value for value in gen_ai_attributes.GenAiOperationNameValues}
    for kind in ("model", "tool", "agent", "guardrail", "handoff", "turn", "task", "custom", "run"):
        row = {"kind": kind, "name": "n"}
        assert openinference.openinference_attributes(row, {})["openinference.span.kind"] in kinds
        assert gen_ai.gen_ai_attributes(row, {}).get("gen_ai.operation.name", "chat") in operations
    assert error_attributes.ERROR_TYPE == "error.type"
