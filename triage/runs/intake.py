"""What is accepted as a message, and how it is cleaned."""

from __future__ import annotations

import re
import unicodedata

from triage.errors import InvalidInput

MAX_MESSAGE_CHARS = 20_000
MAX_ID_CHARS = 200

_EMAIL = re.compile(r"[^@\s<>\"',;]{1,64}@[^@\s<>\"',;.]+(\.[^@\s<>\"',;.]+)*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")


def clean_message(text: str) -> str:
    """Return the message without control characters and with plain line ends.

    Raises:
        InvalidInput: it is empty, too long, or not text.
    """
    if not text.strip():
        raise InvalidInput("The message is empty. Write or paste what the customer said.")
    if len(text) > MAX_MESSAGE_CHARS:
        raise InvalidInput(
            f"The message has {len(text):,} characters, at most {MAX_MESSAGE_CHARS:,} are accepted. "
            "Keep the part that matters; attach the rest to the ticket."
        )
    if "\x00" in text or "\ufffd" * 3 in text:
        raise InvalidInput("The message is not text (it holds binary content). Paste it as plain text.")
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(char for char in plain if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs", "Cn"))
    if len(kept) < 0.9 * len(plain):
        raise InvalidInput("The message is mostly control characters. Paste it as plain text.")
    if not kept.strip():
        raise InvalidInput("The message holds no readable text. Write or paste what the customer said.")
    return kept.strip()


def clean_email(email: str | None) -> str | None:
    """Return an address in lower case, or None when there is none.

    Raises:
        InvalidInput: it is not an address.
    """
    if email is None or not email.strip():
        return None
    address = email.strip().lower()
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
    return value.strip()
