"""Arguments and results of tools as named fields instead of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pages.components.words import words

MAX_FIELDS = 60
MAX_CHARS = 2_000
_MAX_DEPTH = 4


class Field(NamedTuple):
    """One field: the key as the tool names it, its name in words and its value as text."""

    key: str
    name: str
    value: str


def fields_of(value: Any, *, name: str = "") -> tuple[Field, ...]:
    """Return a value as fields; nested ones are named by their path, empty ones left out, long ones cut.

    Text that is JSON is read as JSON. At most 60 fields of 2,000 characters each are returned.
    """
    found: list[Field] = []
    for field in _walk(_read(value), key="", name=name, depth=0):
        if len(found) == MAX_FIELDS:
            found.append(Field("", "More", "cut here; the trace holds the rest"))
            break
        found.append(field)
    return tuple(found)


def _read(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _walk(value: Any, *, key: str, name: str, depth: int) -> Iterator[Field]:
    if value is None or value in ("", [], {}):
        return
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        for inner, item in value.items():
            yield from _walk(item, key=str(inner), name=_path(name, words(str(inner))), depth=depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, list):
        if all(not isinstance(item, Mapping | list) for item in value):
            yield Field(key, name or "Value", _cut(", ".join(_as_text(item) for item in value)))
            return
        for number, item in enumerate(value, start=1):
            yield from _walk(item, key=key, name=_path(name, str(number)), depth=depth + 1)
    else:
        yield Field(key, name or "Value", _cut(_as_text(value)))


def _path(outer: str, inner: str) -> str:
    return f"{outer} {inner[:1].lower()}{inner[1:]}" if outer else inner


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARS else text[:MAX_CHARS] + f"… ({len(text):,} characters)"
