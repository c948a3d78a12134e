"""Tells events of a stream that have the shape of their protocol from JSON that is something else.

The client builds its objects from whatever a server sends, and the first to read a missing part would fail with an
error that looks like one of ours. What is looked at here is what the SDK and the chain take for granted, nothing more:
servers that only leave fields out are read as they are.
"""

from __future__ import annotations

from typing import Any

from triage.nesting import is_deep

_WITH_ANSWER = frozenset({"response.completed", "response.incomplete"})
# The parts of an answer that are kept; what else is in it may be as deep as it likes.
_KEPT = ("output", "usage", "incomplete_details", "error")


def is_readable_event(event: Any) -> bool:
    """Whether an event of the Responses API can be read."""
    if not isinstance(event, dict):
        return False
    name = event.get("type")
    if not isinstance(name, str):
        return name is None
    if name == "response.output_item.done":
        return isinstance(item := event.get("item"), dict) and _is_readable_item(item) and not is_deep(item)
    return name not in _WITH_ANSWER or _is_readable_answer(event.get("response"))


def is_readable_chunk(chunk: Any) -> bool:
    """Whether a piece of a chat completion can be read."""
    return (
        isinstance(chunk, dict)
        and _are_objects(choices := chunk.get("choices"))
        and all(_is_readable_delta(choice.get("delta")) for choice in choices or ())
    )


def _is_readable_delta(delta: Any) -> bool:
    return delta is None or (
        isinstance(delta, dict)
        and _is_text(delta.get("content"))
        and _are_objects(calls := delta.get("tool_calls"))
        and all(_is_readable_call(call.get("function")) for call in calls or ())
    )


def _is_readable_call(function: Any) -> bool:
    return function is None or (
        isinstance(function, dict) and _is_text(function.get("name")) and _is_text(function.get("arguments"))
    )


def _is_readable_answer(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and isinstance(answer.get("usage"), dict | None)
        and _are_objects(items := answer.get("output"))
        and all(_is_readable_item(item) for item in items or ())
        and not is_deep([answer.get(part) for part in _KEPT])
    )


def _is_readable_item(item: dict[str, Any]) -> bool:
    if item.get("type") == "function_call":
        return all(isinstance(item.get(part), str) for part in ("name", "call_id", "arguments"))
    content = item.get("content")
    return item.get("type") != "message" or (content is not None and _are_objects(content))


def _is_text(value: Any) -> bool:
    """Whether this is a text, or left out."""
    return value is None or isinstance(value, str)


def _are_objects(values: Any) -> bool:
    """Whether this is a list of objects, or left out."""
    return values is None or (isinstance(values, list) and all(isinstance(value, dict) for value in values))
