"""What a span says in words - messages, arguments, results - and how it becomes one line of JSON whatever it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel

MAX_LINE_BYTES = 2_000_000
MAX_STRING_LENGTH = 1_000_000
_SHORT_STRING_LENGTH = 20_000
_MAX_REPR_LENGTH = 10_000
_MAX_DEPTH = 60
_MAX_INTEGER = 2**63 - 1


def content_of(data: Any) -> dict[str, Any] | None:
    """Return the content of a span by reference; nothing is copied before it is written."""
    match data.type:
        case "generation":
            content = {"input": data.input, "output": data.output, "settings": data.model_config}
        case "response":
            content = _response_content(data)
        case "function":
            content = {"arguments": _parsed(data.input), "result": data.output, "mcp": data.mcp_data}
        case "agent":
            content = {"tools": data.tools, "handoffs": data.handoffs, "output_type": data.output_type}
        case "turn":
            content = {"turn": data.turn, "usage": data.usage}
        case "task":
            content = {"usage": data.usage}
        case "handoff" | "guardrail":
            content = {}
        case "custom":
            content = {"data": data.data}
        case _:
            content = data.export()
    kept = {name: value for name, value in content.items() if value is not None}
    return kept or None


def _response_content(data: Any) -> dict[str, Any]:
    response = data.response
    return {
        "input": data.input,
        "output": getattr(response, "output", None),
        "instructions": getattr(response, "instructions", None),
        "response_id": getattr(response, "id", None),
    }


def _parsed(arguments: Any) -> Any:
    """Return tool arguments as fields where they are JSON, else the text as the model wrote it."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def to_line(record: dict[str, Any]) -> bytes:
    """Return the record as one line of JSON with its newline; what JSON cannot hold becomes its ``repr``.

    A line above ``MAX_LINE_BYTES`` is written again with its strings shortened; a marker in each says by how much.
    """
    try:
        line = orjson.dumps(record, default=_plain, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # Keys that are no strings, integers beyond 64 bits, lone surrogates, cycles: rare, so it may be slow.
        line = orjson.dumps(_repaired(record, limit=MAX_STRING_LENGTH), option=orjson.OPT_APPEND_NEWLINE)
    if len(line) <= MAX_LINE_BYTES:
        return line
    for limit in (MAX_STRING_LENGTH, _SHORT_STRING_LENGTH):
        line = orjson.dumps(_repaired(record, limit=limit), option=orjson.OPT_APPEND_NEWLINE)
        if len(line) <= MAX_LINE_BYTES:
            return line
    start = line[:MAX_STRING_LENGTH].decode("utf-8", "replace")
    columns = {name: value for name, value in record.items() if name != "content"}
    shortened = {**columns, "content": {"shortened": f"{start} … [{len(line) - MAX_STRING_LENGTH} more bytes]"}}
    return orjson.dumps(_repaired(shortened, limit=MAX_STRING_LENGTH * 2), option=orjson.OPT_APPEND_NEWLINE)


def to_plain(value: Any) -> Any:
    """Return a copy of the value made of JSON types only."""
    return orjson.loads(to_line({"value": value}))["value"]


def _plain(value: Any) -> Any:
    """Return what stands for a value that JSON does not know."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True, warnings=False, fallback=_plain)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    try:
        return repr(value)[:_MAX_REPR_LENGTH]
    except Exception:  # noqa: BLE001 - a foreign __repr__ may raise anything, and the span must not be lost for it.
        return f"<{type(value).__name__} without repr>"


def _repaired(value: Any, *, limit: int, depth: int = 0) -> Any:  # noqa: PLR0911 - one answer per type.
    """Return the value with everything replaced that no JSON writer takes, and strings cut at ``limit`` characters."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _MAX_INTEGER else str(value)
    if isinstance(value, str):
        text = str(value).encode("utf-8", "replace").decode()
        return text if len(text) <= limit else f"{text[:limit]} … [{len(text) - limit} more characters]"
    if depth >= _MAX_DEPTH:
        return f"<{type(value).__name__} nested too deep>"
    if isinstance(value, Mapping):
        # A copy first, because another task may still add to the mapping.
        return {
            _repaired(str(key), limit=limit): _repaired(item, limit=limit, depth=depth + 1)
            for key, item in dict(value).items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_repaired(item, limit=limit, depth=depth + 1) for item in list(value)]
    try:
        return _repaired(_plain(value), limit=limit, depth=depth + 1)
    except Exception:  # noqa: BLE001 - a model with values of wrong types may refuse to be dumped.
        return f"<{type(value).__name__} without repr>"
