"""What a span says in words: its line in the tree, its kind, its messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pages.components import words

Who = Literal["instructions", "customer", "agent", "tool call", "tool result", "other"]
KIND_ICONS = {
    "task": ":material/flag:",
    "agent": ":material/support_agent:",
    "turn": ":material/replay:",
    "model": ":material/neurology:",
    "tool": ":material/build:",
    "handoff": ":material/move_up:",
    "guardrail": ":material/verified_user:",
}
KIND_WORDS = {
    "task": "Work",
    "agent": "Agent",
    "turn": "Turn",
    "model": "Model call",
    "tool": "Tool call",
    "handoff": "Handover",
    "guardrail": "Check",
}
_TRIPPED = "tripwire"
"""What the SDK writes on the span of an agent that a check stopped."""
_ROLES: dict[str, Who] = {
    "system": "instructions",
    "developer": "instructions",
    "user": "customer",
    "assistant": "agent",
    "tool": "tool result",
}


@dataclass(frozen=True)
class Piece:
    """One message of a model call; ``name`` is the tool's, where it is about one."""

    who: Who
    text: str
    name: str = ""


def title(span: Any) -> str:
    """Return what a span did, in a few words."""
    match span.kind:
        case "model":
            return f"Asked {span.model or span.name}"
        case "tool":
            return words.words(span.tool or span.name) + (", stopped for a decision" if span.is_paused else "")
        case "handoff":
            return f"Handed over to {span.to_agent or 'another agent'}"
        case "guardrail":
            return f"{words.words(span.guardrail or span.name)} {'stopped it' if span.triggered else 'passed'}"
        case "turn":
            return words.words(span.name)
        case _:
            return str(span.name)


def kind(span: Any) -> str:
    """Return the kind of a span as a word."""
    return KIND_WORDS.get(span.kind, words.words(span.kind))


def is_failure(span: Any) -> bool:
    """Return whether a step went wrong; an agent that a check stopped did not."""
    return bool(span.error) and _TRIPPED not in str(span.error).lower()


def badge(span: Any) -> str:
    """Return what the tree adds to the line of a step: that a call was tried again, or by another model."""
    if span.is_fallback:
        return "another model stepped in"
    return "tried again" if span.is_retry else ""


def messages(content: Mapping[str, Any]) -> list[Piece]:
    """Return the messages of a model call as a conversation, whichever API's shape they have."""
    pieces = []
    if isinstance(content.get("instructions"), str):
        pieces.append(Piece("instructions", content["instructions"]))
    for side in ("input", "output"):
        found = content.get(side)
        if isinstance(found, str):
            pieces.append(Piece("customer" if side == "input" else "agent", found))
        elif isinstance(found, Sequence):
            for item in found:
                pieces.extend(_pieces(item))
    return [piece for piece in pieces if piece.text or piece.name]


def _pieces(item: Any) -> list[Piece]:
    if not isinstance(item, Mapping):
        return [Piece("other", _text(item))]
    match item.get("type"):
        case "function_call":
            return [Piece("tool call", _text(_read(item.get("arguments"))), str(item.get("name", "")))]
        case "function_call_output":
            return [Piece("tool result", _text(item.get("output")), str(item.get("name") or ""))]
        case "reasoning":
            return [Piece("other", _joined(item.get("summary")), "reasoning")]
    who = _ROLES.get(str(item.get("role")), "other")
    said = [Piece(who, _joined(item.get("content")), str(item.get("name") or ""))] if "content" in item else []
    for call in item.get("tool_calls") or ():
        function = call.get("function", {}) if isinstance(call, Mapping) else {}
        said.append(Piece("tool call", _text(_read(function.get("arguments"))), str(function.get("name", ""))))
    return said or [Piece(who, _text(item))]


def _joined(content: Any) -> str:
    """Return the text of a message, which may come in parts."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, Sequence):
        return _text(content)
    parts = []
    for part in content:
        known = part.get("text") or part.get("refusal") if isinstance(part, Mapping) else part
        parts.append(known if isinstance(known, str) else _text(part))
    return "\n".join(parts)


def _read(value: Any) -> Any:
    """Return what a text of JSON says, the text itself where it is none or too long to be read as fields."""
    if not isinstance(value, str) or len(value) > 50_000 or value[:1] not in ("{", "["):  # noqa: PLR2004
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
