"""Text of customers and models stays text where Streamlit reads Markdown."""

from __future__ import annotations

import re

import pytest

from pages.components.text import bold, heard, hidden, link, plain, typed

NASTY = [
    "[click](https://evil.example)",
    "![x](https://evil.example/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "<https://evil.example>",
    "https://evil.example/a?b=c",
    "HTTPS://EVIL.EXAMPLE",
    "www.evil.example",
    "mail me at a@b.example",
    ":red[not ours] :red-badge[Approved] :small[x]",
    ":material/check_circle: :smile: :streamlit:",
    "$x^2$ and $$y$$",
    "**bold** _it_ ~~gone~~ `code`",
    "# heading",
    "> quote",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "&lt;b&gt; &#42;",
    "a <- b -> c <= d >= e -- f",
    "[x]: http://evil.example",
    "a\\*b",
]
JOINER = "\u2060"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"


def shown(markdown: str) -> str:
    """Undo the escapes, as a Markdown reader does."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


@pytest.mark.parametrize("text", NASTY)
def test_every_sign_that_markdown_knows_is_escaped_and_nothing_is_lost(text):
    escaped = plain(text)
    assert not re.search(r"(?<!\\)[!-/:-@\[\]^-`{-~]", re.sub(r"\\.", "", escaped))
    assert shown(escaped).replace(JOINER, "") == " ".join(text.split())


@pytest.mark.parametrize("text", NASTY)
def test_nothing_is_left_that_streamlit_looks_for_after_markdown(text):
    left = shown(plain(text))
    assert not re.search(r"://|www\.|\w@\w|:streamlit:|<-|->|<=|>=|--|~=", left, re.IGNORECASE)


def test_what_was_copied_from_a_page_is_what_was_shown_there():
    address = "dana@northwind.example"
    assert shown(plain(address)) != address
    assert typed(f" {shown(plain(address))} ") == address
    assert typed(None) == ""


def test_text_goes_on_one_line_so_that_it_cannot_open_a_block():
    assert plain("a\n\n    b\r\n- c") == r"a b \- c"


def test_signs_that_nobody_sees_and_turned_directions_are_dropped():
    assert plain("pay\u202egnp.exe\u200b\x07") == r"paygnp\.exe"


def test_a_zero_width_joiner_that_languages_need_stays():
    assert plain(PERSIAN) == PERSIAN


def test_bold_of_nothing_is_nothing():
    assert bold(" ") == ""
    assert bold("a*b") == r"**a\*b**"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/relative",
        "",
        "https://",
        "https://bank.example@evil.example/",
        "https://a b.example",
        "http://[broken",
    ],
)
def test_only_plain_web_addresses_become_links(url):
    assert link("Title", url) == "Title"


def test_a_link_cannot_be_left_by_its_address_or_title():
    made = link("a](http://x) b", "https://kb.example/a)(<b>?c=d&e")
    assert made.startswith(r"[a\]\(http\:")
    assert made.endswith("(<https://kb.example/a%29%28%3Cb%3E?c=d&e>)")


@pytest.mark.parametrize("text", NASTY)
def test_a_name_that_is_heard_is_the_text_of_a_picture_of_ours(text):
    assert re.fullmatch(r"!\[(?:[^\\\[\]]|\\.)*\]\(data:image/svg\+xml;base64,[\w+/=]+\)", heard(text))


@pytest.mark.parametrize("text", NASTY)
def test_a_hidden_label_holds_no_sign_that_makes_a_picture_or_a_link(text):
    assert not re.search(r"[\\\[\]<>()`]", hidden(text))


def test_a_hidden_label_is_said_as_it_stands():
    assert hidden("Choose Refund $69.98, order 2: a.b@c.example") == "Choose Refund $69.98, order 2: a.b@c.example"
