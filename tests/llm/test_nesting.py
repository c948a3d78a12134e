"""JSON that is nested without end is told from JSON that only has many brackets."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from triage.nesting import MOST_LEVELS, is_deep, is_deep_text

MANY = {"rows": [{"cells": [[]]}] * 1000, "text": "[[[[" * 1000 + '\\" {{{{' * 1000}


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value, "b": "[}"}
    return value


@pytest.mark.parametrize(
    ("value", "is_too_deep"), [(nested(MOST_LEVELS), False), (nested(MOST_LEVELS + 1), True), (MANY, False), (1, False)]
)
def test_levels_are_counted_and_not_brackets(value: Any, is_too_deep: bool) -> None:
    assert is_deep(value) is is_too_deep
    assert is_deep_text(json.dumps(value)) is is_too_deep


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_text_that_breaks_off_is_deep_as_well(text: str) -> None:
    assert is_deep_text(text) is True


def test_no_text_takes_long() -> None:
    started = time.process_time()
    assert not is_deep_text('"' + '\\"[' * 300_000)
    assert time.process_time() - started < 1
