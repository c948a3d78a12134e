"""What the engine can decide to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Say:
    """Answer with a text; ``is_prose`` is true for text that a person reads while it is written."""

    text: str
    is_prose: bool = False


@dataclass(frozen=True)
class Call:
    """Call a tool, or hand over when ``name`` is that of a handoff."""

    name: str
    arguments: Mapping[str, Any]


Decision = Say | Call
