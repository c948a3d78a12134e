"""The messages of a model call in one form, whichever protocol they came by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A tool that a model asked for; ``arguments`` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """What one side said; ``call_id`` names the call that a message of role ``tool`` answers."""

    role: str
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


def input_messages(content: Mapping[str, Any]) -> list[Message]:
    """Return what a model was asked, the instructions of the Responses protocol first."""
    found = [Message(role="system", text=text_of(content["instructions"]))] if content.get("instructions") else []
    said = content.get("input")
    if isinstance(said, str):
        return [*found, Message(role="user", text=said)]
    return [*found, *messages_of(said)]


def output_messages(content: Mapping[str, Any]) -> list[Message]:
    """Return what a model answered; the pieces of one answer by the Responses protocol are one message."""
    messages = messages_of(content.get("output"), role="assistant")
    if len(messages) > 1 and all(message.role == "assistant" for message in messages):
        text = "\n".join(message.text for message in messages if message.text)
        return [Message(role="assistant", text=text, calls=tuple(call for one in messages for call in one.calls))]
    return messages


def messages_of(items: Any, *, role: str = "user") -> list[Message]:
    """Return a list of items of either protocol as messages; what is no message is left out."""
    if not isinstance(items, list):
        return []
    found = (_message(item, role=role) for item in items if isinstance(item, Mapping))
    return [message for message in found if message is not None]


def _message(item: Mapping[str, Any], *, role: str) -> Message | None:
    match item.get("type"):
        case "function_call":
            call = ToolCall(
                id=str(item.get("call_id") or ""),
                name=str(item.get("name") or ""),
                arguments=json_text(item.get("arguments")),
            )
            return Message(role="assistant", calls=(call,))
        case "function_call_output":
            return Message(role="tool", text=text_of(item.get("output")), call_id=str(item.get("call_id") or ""))
        case "reasoning":
            return None
    said_by = str(item.get("role") or role)
    calls = item.get("tool_calls")
    return Message(
        role=said_by,
        text=text_of(item.get("content")),
        calls=tuple(_chat_call(call) for call in calls if isinstance(call, Mapping)) if isinstance(calls, list) else (),
        call_id=str(item.get("tool_call_id") or ""),
    )


def _chat_call(call: Mapping[str, Any]) -> ToolCall:
    function = call.get("function")
    asked = function if isinstance(function, Mapping) else {}
    return ToolCall(
        id=str(call.get("id") or ""),
        name=str(asked.get("name") or ""),
        arguments=json_text(asked.get("arguments")),
    )


def text_of(content: Any) -> str:
    """Return the words of a content: a text, or the texts among its parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, Mapping) for part in content):
        parts = [part.get("text") or part.get("refusal") for part in content]
        if all(isinstance(part, str) for part in parts):
            return "\n".join(parts)
    return json_text(content)


def json_text(value: Any) -> str:
    """Return a value of JSON types as text; a text as it is, nothing as an empty one."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
