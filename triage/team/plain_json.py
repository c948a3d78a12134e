"""Reads what a model wrote as JSON, as strictly as the databases that keep it."""

from __future__ import annotations

import json
from typing import Any

from triage.nesting import is_deep_text


def plain_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is none, or has in it what Python reads and PostgreSQL refuses: NaN, Infinity, endless nesting.
    """
    if is_deep_text(text):
        raise ValueError("The JSON is nested too deep.")
    value = json.loads(text)
    json.dumps(value, allow_nan=False)
    return value
