"""A span by the conventions of OpenTelemetry for generative AI (``gen_ai.*``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from triage.llm.names import OFFLINE_MODEL_NAME
from triage.nesting import is_deep_text
from triage.tracing.otlp.messages import Message, ToolCall, input_messages, json_text, output_messages

Attributes = dict[str, Any]
WORKFLOW = "Support triage"
_OPERATIONS = {"model": "chat", "agent": "invoke_agent", "tool": "execute_tool", "run": "invoke_workflow"}
_LITELLM_PROVIDERS = {"azure": "azure.ai.openai", "bedrock": "aws.bedrock", "gemini": "gcp.gemini"}
_SETTINGS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}


def gen_ai_name(row: Mapping[str, Any]) -> str:
    """Return the name of a span: the operation and what it is done with, or else its kind and its name."""
    kind, name = row["kind"], row["name"]
    match kind:
        case "run":
            return f"{_OPERATIONS[kind]} {WORKFLOW}"
        case "turn":
            return str(name)
        case "model" | "tool":
            return f"{_OPERATIONS[kind]} {row.get(kind) or name}"
    return f"{_OPERATIONS.get(kind, kind)} {name}"


def gen_ai_attributes(row: Mapping[str, Any], content: Mapping[str, Any], *, call_id: str | None = None) -> Attributes:
    """Return the attributes of a span; those without a value are left out."""
    found: Attributes = {
        "gen_ai.operation.name": _OPERATIONS.get(row["kind"]),
        "gen_ai.conversation.id": row.get("conversation_id"),
        "gen_ai.agent.name": row.get("agent"),
    }
    match row["kind"]:
        case "model":
            found |= _model_attributes(row, content)
        case "tool":
            found |= {
                "gen_ai.tool.name": row.get("tool"),
                "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": call_id,
                "gen_ai.tool.call.arguments": json_text(content.get("arguments")) or None,
                "gen_ai.tool.call.result": json_text(content.get("result")) or None,
            }
        case "run":
            found["gen_ai.workflow.name"] = WORKFLOW
    return {name: value for name, value in found.items() if value is not None}


def provider_of(model: str | None) -> str:
    """Return who answers for a model; what is reached by the OpenAI protocol counts as OpenAI's."""
    parts = (model or "").split("/")
    if parts[0] == "litellm" and len(parts) > 2:  # noqa: PLR2004 - litellm/provider/model
        return _LITELLM_PROVIDERS.get(parts[1], parts[1])
    return "triage.offline" if model == OFFLINE_MODEL_NAME else "openai"


def _model_attributes(row: Mapping[str, Any], content: Mapping[str, Any]) -> Attributes:
    model = row.get("model")
    system, asked = _split_system(input_messages(content))
    answered = output_messages(content)
    settings = content.get("settings")
    settings = settings if isinstance(settings, Mapping) else {}
    return {
        "gen_ai.provider.name": provider_of(row.get("asked_model") or model),
        "gen_ai.request.model": row.get("asked_model") or model,
        "gen_ai.response.model": model,
        "gen_ai.response.id": content.get("response_id"),
        "gen_ai.usage.input_tokens": row.get("input_tokens"),
        "gen_ai.usage.output_tokens": row.get("output_tokens"),
        "gen_ai.usage.cache_read.input_tokens": row.get("cached_tokens"),
        "gen_ai.usage.reasoning.output_tokens": row.get("reasoning_tokens"),
        "gen_ai.system_instructions": _written(_text_parts(system)),
        "gen_ai.input.messages": _written([_as_parts(message) for message in asked]),
        "gen_ai.output.messages": _written(
            [{**_as_parts(message), "finish_reason": "tool_call" if message.calls else "stop"} for message in answered]
        ),
        **{name: settings.get(ours) for ours, name in _SETTINGS.items() if isinstance(settings.get(ours), int | float)},
    }


def _split_system(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return the instructions and the conversation."""
    system = [message for message in messages if message.role in ("system", "developer")]
    return system, [message for message in messages if message.role not in ("system", "developer")]


def _as_parts(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        parts = [{"type": "tool_call_response", "id": message.call_id, "response": message.text}]
    else:
        parts = [*_text_parts([message]), *map(_call_part, message.calls)]
    return {"role": message.role, "parts": parts}


def _text_parts(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [{"type": "text", "content": message.text} for message in messages if message.text]


def _call_part(call: ToolCall) -> dict[str, Any]:
    arguments: Any = call.arguments
    # What is nested too deep can be read, but not written again.
    if not is_deep_text(call.arguments):
        with suppress(orjson.JSONDecodeError):
            arguments = orjson.loads(call.arguments)
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments}


def _written(parts: list[dict[str, Any]]) -> str | None:
    return orjson.dumps(parts).decode() if parts else None
