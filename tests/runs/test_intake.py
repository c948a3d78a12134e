"""What is accepted as a text, and the sentence for what is not."""

from __future__ import annotations

from typing import get_args

import pytest

from triage.errors import InvalidInput
from triage.runs.intake import MAX_MESSAGE_CHARS, TextKind, clean_email, clean_message


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("message", "The message is empty. Write or paste what the customer said."),
        ("reason", "Give a reason: "),
        ("reply", "The reply is empty. Write it, or "),
    ],
)
@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_text_is_refused_in_words_of_its_kind(what: TextKind, sentence: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean_message(text, what=what)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("what", get_args(TextKind))
@pytest.mark.parametrize("text", ["a" * (MAX_MESSAGE_CHARS + 1), "a\x00b", "\x01\x02\x03a", "\ufffd" * 3])
def test_a_text_that_cannot_be_used_is_called_what_it_is(what: TextKind, text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean_message(text, what=what)
    said = str(refused.value)
    assert said.startswith(f"The {what} ")
    assert what == "message" or "message" not in said
    assert text not in said


@pytest.mark.parametrize("pasted", ["dana\u2060@northwind.example", " \ufeffDana@Northwind.example\u200b"])
def test_an_address_that_was_copied_from_a_page_is_the_same_customers(pasted: str) -> None:
    assert clean_email(pasted) == "dana@northwind.example"
    assert clean_email("\u2060 ") is None


def test_line_ends_become_plain_and_control_characters_go() -> None:
    assert clean_message("  Hello,\r\nit\x07 fails\rnow \n") == "Hello,\nit fails\nnow"
