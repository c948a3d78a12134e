"""What is accepted as a message, and how it is cleaned."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal, NamedTuple

from triage.access.token_form import has_token, without_tokens
from triage.errors import InvalidInput

MAX_MESSAGE_CHARS = 20_000
MAX_CONVERSATION_MESSAGES = 500
MAX_ID_CHARS = 200
CONVERSATION_PREFIX = "conv_"
"""What the id of a conversation begins with, unless whoever sent its first message gave the id."""

_EMAIL = re.compile(r"[^@\s<>\"',;]{1,64}@[^@\s<>\"',;.]+(\.[^@\s<>\"',;.]+)*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")

TextKind = Literal["message", "reason", "reply", "answer"]


class _Words(NamedTuple):
    """What to do about a text that cannot be used."""

    if_empty: str
    if_long: str
    if_unreadable: str


_WORDS: Mapping[TextKind, _Words] = {
    "message": _Words(
        "The message is empty. Write or paste what the customer said.",
        "Keep the part that matters.",
        "Paste it as plain text.",
    ),
    "reason": _Words(
        "Give a reason: whoever goes on from here has to know it.",
        "Say it in a few sentences.",
        "Write it in plain words.",
    ),
    "reply": _Words(
        "The reply is empty. Write it, or run the message again for another draft.",
        "Shorten it, or send a part of it as an attachment.",
        "Write it as plain text.",
    ),
    "answer": _Words(
        "The answer is empty. Write it, or reject the question.",
        "Say what the agent has to know.",
        "Write it in plain words.",
    ),
}


def clean_message(text: str, *, what: TextKind = "message") -> str:
    """Return a text without control characters and tokens of ours, with plain line ends.

    ``what`` it is decides how it is refused.

    Raises:
        InvalidInput: it is empty, too long, or not text.
    """
    words = _WORDS[what]
    if not text.strip():
        raise InvalidInput(words.if_empty)
    if len(text) > MAX_MESSAGE_CHARS:
        raise InvalidInput(
            f"The {what} has {len(text):,} characters, at most {MAX_MESSAGE_CHARS:,} are accepted. {words.if_long}"
        )
    if "\x00" in text or "\ufffd" * 3 in text:
        raise InvalidInput(f"The {what} is not text (it holds binary content). {words.if_unreadable}")
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(char for char in plain if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs", "Cn"))
    if len(kept) < 0.9 * len(plain):
        raise InvalidInput(f"The {what} is mostly control characters. {words.if_unreadable}")
    if not kept.strip():
        raise InvalidInput(f"The {what} holds no readable text. {words.if_unreadable}")
    return without_tokens(kept.strip())


def clean_email(email: str | None) -> str | None:
    """Return an address in lower case, or None when there is none.

    Raises:
        InvalidInput: it is not an address.
    """
    if email is None or not email.strip():
        return None
    # A copy from a page or a mail can hold signs that nobody sees; with them it would be another customer's.
    address = "".join(char for char in email if unicodedata.category(char) != "Cf").strip().lower()
    if not address:
        return None
    if len(address) > MAX_ID_CHARS or not _EMAIL.fullmatch(address):
        raise InvalidInput(
            "The customer's e-mail address is not one. Write it like name@company.com, or leave it empty."
        )
    return address


def clean_id(value: str | None, *, what: str) -> str | None:
    """Return an id without blanks, or None when there is none.

    Raises:
        InvalidInput: it holds characters that no id has.
    """
    if value is None or not value.strip():
        return None
    if len(value.strip()) > MAX_ID_CHARS or not _ID.fullmatch(value.strip()):
        raise InvalidInput(f"The {what} may hold letters, digits and . _ : - only.")
    require_no_token(value, what=what)
    return value.strip()


def require_no_token(value: str, *, what: str) -> None:
    """Refuse a token's secret where it would be kept and shown.

    Raises:
        InvalidInput: it has one.
    """
    if has_token(value):
        raise InvalidInput(f"The {what} has the secret of a token in it. Send that in the header Authorization only.")
