"""What a span of another instrumentation is about and what it says in words, by either convention."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

_BY_OPENINFERENCE = {"LLM": "model", "TOOL": "tool", "AGENT": "agent", "GUARDRAIL": "guardrail", "CHAIN": "task"}
_BY_OPERATION = {
    "chat": "model",
    "text_completion": "model",
    "generate_content": "model",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "task",
}
_OWN_KINDS = frozenset({"agent", "task", "turn", "model", "tool", "handoff", "guardrail", "custom"})
_MESSAGE = re.compile(r"llm\.(input|output)_messages\.(\d{1,4})\.message\.(.+)")
_CALL = re.compile(r"tool_calls\.(\d{1,4})\.tool_call\.(id|function\.name|function\.arguments)")
_SAID_ELSEWHERE = re.compile(r"triage\.|llm\.(input|output)_messages\.|gen_ai\.(input|output)\.messages|(in|out)put\.")


def kind_of(said: Mapping[str, Any]) -> str:
    """Return the kind of a span, ``custom`` where nothing tells it."""
    own = said.get("triage.kind")
    if own in _OWN_KINDS:
        return str(own)
    by_operation = _BY_OPERATION.get(str(said.get("gen_ai.operation.name")))
    return by_operation or _BY_OPENINFERENCE.get(str(said.get("openinference.span.kind")).upper(), "custom")


def content_from(kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words of a span in the form in which the trace store has them."""
    if kind == "model":
        found = {
            "input": _messages("input", said),
            "output": _messages("output", said),
            "instructions": _texts(_parsed(said.get("gen_ai.system_instructions"))),
            "response_id": said.get("gen_ai.response.id"),
            "settings": _parsed(said.get("llm.invocation_parameters")),
        }
    elif kind == "tool":
        arguments = _first(said, "gen_ai.tool.call.arguments", "tool.parameters", "input.value")
        result = _first(said, "gen_ai.tool.call.result", "output.value")
        found = {"arguments": _parsed(arguments), "result": result}
    elif "triage.kind" in said:
        # What went out as "output" was the whole content, unless a trace's words stand there.
        whole = _parsed(_first(said, "triage.content", "output.value"))
        found = whole if isinstance(whole, dict) else {"output": whole}
    else:
        found = {
            "input": _parsed(said.get("input.value")),
            "output": _parsed(said.get("output.value")),
            "attributes": {name: value for name, value in said.items() if not _SAID_ELSEWHERE.match(name)} or None,
        }
    return {name: value for name, value in found.items() if value is not None}


def _messages(side: str, said: Mapping[str, Any]) -> Any:
    """Return the messages of one side as chat messages, or the words where there are no messages."""
    written = _parsed(said.get(f"gen_ai.{side}.messages"))
    if isinstance(written, list):
        return [_from_parts(message) for message in written if isinstance(message, Mapping)]
    numbered = _numbered(side, said)
    if numbered:
        return numbered
    words = said.get(f"{side}.value")
    if words is None:
        return None
    return [{"role": "user" if side == "input" else "assistant", "content": words}]


def _from_parts(message: Mapping[str, Any]) -> dict[str, Any]:
    given = message.get("parts")
    parts = [part for part in given if isinstance(part, Mapping)] if isinstance(given, list) else []
    found: dict[str, Any] = {"role": message.get("role"), "content": _texts(parts)}
    answers = [part for part in parts if part.get("type") == "tool_call_response"]
    if answers:
        found |= {"tool_call_id": answers[0].get("id"), "content": _text(answers[0].get("response"))}
    calls = [part for part in parts if part.get("type") == "tool_call"]
    if calls:
        found["tool_calls"] = [
            {"id": call.get("id"), "function": {"name": call.get("name"), "arguments": _text(call.get("arguments"))}}
            for call in calls
        ]
    return found


def _texts(parts: Any) -> str | None:
    if not isinstance(parts, list):
        return None
    said = [part.get("content") for part in parts if isinstance(part, Mapping) and part.get("type") == "text"]
    return "\n".join(text for text in said if isinstance(text, str)) or None


def _numbered(side: str, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return messages from attributes such as ``llm.input_messages.0.message.role``."""
    found: dict[int, dict[str, Any]] = {}
    calls: dict[int, dict[int, dict[str, Any]]] = {}
    for name, value in said.items():
        place = _MESSAGE.fullmatch(name)
        if place is None or place.group(1) != side:
            continue
        number, rest = int(place.group(2)), place.group(3)
        message = found.setdefault(number, {})
        if call := _CALL.fullmatch(rest):
            calls.setdefault(number, {}).setdefault(int(call.group(1)), {})[call.group(2)] = value
        elif rest in ("role", "content", "tool_call_id", "name"):
            message[rest] = value
    for number, asked in calls.items():
        found[number]["tool_calls"] = [
            {
                "id": call.get("id"),
                "function": {"name": call.get("function.name"), "arguments": call.get("function.arguments")},
            }
            for _, call in sorted(asked.items())
        ]
    return [message for _, message in sorted(found.items())]


def _first(said: Mapping[str, Any], *names: str) -> Any:
    return next((said[name] for name in names if said.get(name) is not None), None)


def _parsed(text: Any) -> Any:
    """Return what a text says in JSON, or the text."""
    try:
        return orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        return text


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
