"""Half characters of a model server's answer are mended wherever they stand, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from triage.llm.surrogates import mend


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Hi \ud83d!", "Hi \ufffd!"),
        ("\ude00", "\ufffd"),
        ("joined \ud83d\ude00", "joined \U0001f600"),
        ("whole \U0001f600 ü", "whole \U0001f600 ü"),
        ("a\x00b", "a\ufffdb"),
        ({"a\x00": ["\x00\ud83d\ude00"]}, {"a\ufffd": ["\ufffd\U0001f600"]}),
        ({"a\ud83d": ["b\udc00", 1, None, 1.5, True]}, {"a\ufffd": ["b\ufffd", 1, None, 1.5, True]}),
    ],
)
def test_half_characters_are_replaced(sent: Any, kept: Any) -> None:
    assert mend(sent) == kept


def test_numbers_that_are_none_are_null() -> None:
    numbers = [float("nan"), float("inf"), float("-inf"), 1.5, 10**30]
    assert mend({"logprobs": numbers}) == {"logprobs": [None, None, None, 1.5, 10**30]}


@pytest.mark.parametrize(
    "text", ["Hi \ud83d", "\ude00\ud83d", "\ud83d\ud83d\ude00", "plain \U0001f600", "back\\slash \udbff"]
)
def test_half_characters_in_json_within_a_string_are_replaced(text: str) -> None:
    arguments = json.dumps({"query": text})
    mended = json.loads(mend(arguments))["query"]
    assert mended == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"whole": "\U0001f600 ü"}),
        json.dumps({"said": r"the escape \ud83d in a text"}),
        r"Prose about the escape \ud83d and {braces}",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert mend(text) == text


@pytest.mark.parametrize("text", ["a\x00", "\x00\ud83d\ude00", r"the escape \u0000 in a text", "\\\x00"])
def test_nul_in_json_within_a_string_is_replaced(text: str) -> None:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16")
    assert json.loads(mend(json.dumps({"query": text})))["query"] == whole.replace("\x00", "\ufffd")
