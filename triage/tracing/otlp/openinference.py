"""A span by the conventions of OpenInference, which Arize Phoenix and others read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triage.tracing.otlp.gen_ai import Attributes, provider_of
from triage.tracing.otlp.messages import Message, input_messages, json_text, output_messages

# A long conversation is in its earlier calls as well, so the latest messages say what is new.
MAX_MESSAGES = 50
_KINDS = {"model": "LLM", "tool": "TOOL", "agent": "AGENT", "guardrail": "GUARDRAIL"}


def openinference_attributes(
    row: Mapping[str, Any], content: Mapping[str, Any], *, call_id: str | None = None
) -> Attributes:
    """Return the attributes of a span; those without a value are left out."""
    found: Attributes = {
        "openinference.span.kind": _KINDS.get(row["kind"], "CHAIN"),
        "session.id": row.get("conversation_id"),
    }
    match row["kind"]:
        case "model":
            found |= _model_attributes(row, content)
        case "tool":
            arguments = json_text(content.get("arguments")) or None
            found |= {
                "tool.name": row.get("tool"),
                "tool.id": call_id,
                "tool.parameters": arguments,
                **side_value("input", arguments),
                **side_value("output", json_text(content.get("result"))),
            }
        case "agent":
            found["agent.name"] = row["name"]
        case "run":
            found |= {
                "user.id": row.get("customer_email"),
                **side_value("input", content.get("input")),
                **side_value("output", content.get("output")),
            }
        case _:
            found |= side_value("output", json_text(dict(content)) if content else None)
    return {name: value for name, value in found.items() if value is not None}


def _model_attributes(row: Mapping[str, Any], content: Mapping[str, Any]) -> Attributes:
    asked, answered = input_messages(content), output_messages(content)
    read, written = row.get("input_tokens"), row.get("output_tokens")
    cost = row.get("cost_usd")
    return {
        "llm.model_name": row.get("model"),
        "llm.provider": provider_of(row.get("asked_model") or row.get("model")),
        "llm.invocation_parameters": json_text(content.get("settings")) or None,
        "llm.token_count.prompt": read,
        "llm.token_count.completion": written,
        "llm.token_count.total": None if read is None or written is None else read + written,
        "llm.token_count.prompt_details.cache_read": row.get("cached_tokens"),
        "llm.token_count.completion_details.reasoning": row.get("reasoning_tokens"),
        "llm.cost.total": None if cost is None else float(cost),
        **_messages("llm.input_messages", asked),
        **_messages("llm.output_messages", answered),
        **side_value("input", asked[-1].text if asked else None),
        **side_value("output", spoken(answered)),
    }


def spoken(messages: Sequence[Message]) -> str | None:
    """Return what was said, or else what was asked for, in words."""
    said = "\n".join(message.text for message in messages if message.text)
    called = [{"name": call.name, "arguments": call.arguments} for message in messages for call in message.calls]
    return said or (json_text(called) if called else None)


def _messages(prefix: str, messages: Sequence[Message]) -> Attributes:
    """Return messages as numbered attributes, the latest ones when there are many."""
    found: Attributes = {}
    for number, message in enumerate(messages[-MAX_MESSAGES:]):
        start = f"{prefix}.{number}.message"
        found[f"{start}.role"] = message.role
        if message.text:
            found[f"{start}.content"] = message.text
        if message.call_id:
            found[f"{start}.tool_call_id"] = message.call_id
        for place, call in enumerate(message.calls):
            asked = f"{start}.tool_calls.{place}.tool_call"
            found[f"{asked}.id"] = call.id
            found[f"{asked}.function.name"] = call.name
            found[f"{asked}.function.arguments"] = call.arguments
    return found


def side_value(side: str, text: Any) -> Attributes:
    """Return ``input.value`` or ``output.value`` with its type."""
    if not isinstance(text, str) or not text:
        return {}
    is_json = text.startswith(("{", "["))
    return {f"{side}.value": text, f"{side}.mime_type": "application/json" if is_json else "text/plain"}
