"""What a span says in words - messages, arguments, results - and how it becomes one line of JSON whatever it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel

MAX_BYTES = 2_000_000
MAX_STRING_LENGTH = 1_000_000
_SHORT_STRING_LENGTH = 100_000
_MAX_QUOTES = 20_000
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


def to_json(value: Any) -> bytes:
    """Return the value as JSON; what JSON cannot hold becomes its ``repr``.

    Above ``MAX_BYTES`` it is written again with its strings shortened; a marker in each says by how much.
    """
    try:
        written = orjson.dumps(value, default=_plain)
    except TypeError:
        # Keys that are no strings, integers beyond 64 bits, lone surrogates, cycles: rare, so it may be slow.
        written = orjson.dumps(_repaired(value, limit=MAX_STRING_LENGTH))
    if len(written) > MAX_BYTES and written.count(b'"') < _MAX_QUOTES:
        written = orjson.dumps(_repaired(value, limit=_SHORT_STRING_LENGTH))
    if len(written) <= MAX_BYTES:
        return written
    # A crowd of small values: looking at each would hold up the run for longer than the content is worth.
    start = written[:_SHORT_STRING_LENGTH].decode("utf-8", "replace")
    return orjson.dumps({"shortened": f"{start} … [{len(written) - _SHORT_STRING_LENGTH} more bytes]"})


def to_line(columns: dict[str, Any], content: Any = None) -> bytes:
    """Return a spool line: the columns as a JSON object, the content in it as JSON text."""
    record = columns if content is None else {**columns, "content": to_json(content).decode()}
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return orjson.dumps(_repaired(record, limit=MAX_BYTES), option=orjson.OPT_APPEND_NEWLINE)


def to_plain(value: Any) -> Any:
    """Return a copy of the value made of JSON types only."""
    return orjson.loads(to_json(value))


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
