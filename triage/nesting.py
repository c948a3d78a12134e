"""How deep JSON may be nested: models and servers write brackets without end, and each reader gives up elsewhere.

Python's own reader ends in a RecursionError, pydantic writes no more than some 250 levels, orjson and the databases
have limits of their own. What is refused at the door at far less than any of them troubles none of them.
"""

from __future__ import annotations

import re
from typing import Any

MOST_LEVELS = 32
"""No tool and no answer of the protocols has more than a handful."""

# A string without its end counts as one, so that no text makes the search begin again and again.
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def is_deep_text(text: str) -> bool:
    """Whether a text, read as JSON or as much of it as is there, is nested deeper than ``MOST_LEVELS``."""
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return False
    level = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub("", text)):
        level += 1 if bracket[0] in "[{" else -1
        if level > MOST_LEVELS:
            return True
    return False


def is_deep(value: Any) -> bool:
    """Whether a value that was read from JSON is nested deeper than ``MOST_LEVELS``."""
    found = [value]
    for _ in range(MOST_LEVELS):
        found = [inner for outer in found for inner in _parts(outer)]
        if not found:
            return False
    return any(isinstance(last, dict | list) for last in found)


def _parts(value: Any) -> Any:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list else ()
