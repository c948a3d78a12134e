"""Takes personal values and secrets out of text before it is kept.

What is found is replaced by its kind in brackets, such as ``[e-mail]``. Numbers with a check digit are checked, numbers
that could be anything need a word before them that says what they are, and ids, money and order numbers of ours stay.
Names and street addresses stay as well: no pattern finds them reliably. ``docs/data-care.md`` has the figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from triage.redaction.identifiers import Rule, rules

# Where the numbers of a text are; how many digits the longest has says which rules can find anything.
_NUMBER = re.compile(r"\d[\d .()/+-]{2,}")
_NO_NUMBER = re.compile(r"\W*(?:(?:19|20)\d\d-\d\d-\d\d|\d{1,3}\.\d\d?)\W*")
_AROUND = 48
_WORTH_KEEPING = range(100, 20_000)
# What a field of this name holds is a secret, whatever it looks like.
_SECRET_FIELD = re.compile(
    r"(?:.*[_-])?(?:password|passwd|passphrase|secret|api[_-]?key|private[_-]?key|access[_-]?token|refresh[_-]?token"
    r"|client[_-]?secret|authorization|cookie)",
    re.IGNORECASE,
)
# Numbers under these names are personal although JSON has them without quotes.
_PERSONAL_NUMBER = re.compile(r"(?:.*[_-])?(phone|mobile|card|ssn)(?:[_-]?(?:no|number))?", re.IGNORECASE)
_FIELD_KINDS = {"phone": "phone", "mobile": "phone", "card": "card", "ssn": "national id"}
# What a field of this name holds is ours or a provider's and says nothing of a person.
_OWN_ID = re.compile(
    r"(?:.*_)?(?:id|ids|ref|hash|at|sku|tracking_number|order_number|invoice_number|usd|type|status|model|name_of_tool)",
)
_OWN_ID_TEXT = re.compile(r"[\w.:+-]{1,80}")
_MIN_PERSONAL_NUMBER = 1_000_000


@dataclass(frozen=True)
class Found:
    """Something that must not be kept: its kind, and where it stands in the text."""

    kind: str
    start: int
    end: int


def find_personal(text: str) -> list[Found]:
    """Return what would be replaced, in the order of the text; nothing overlaps."""
    small, digits = text.lower(), _most_digits(text)
    found: list[Found] = []
    for rule in rules():
        if rule.digits > digits:
            continue
        if rule.words and not any(word in small for word in rule.words):
            continue
        for start, end in list(_places(rule, text)):
            found.append(Found(rule.kind, start, end))
            # A later rule must neither find the same again nor begin in the middle of it.
            text = f"{text[:start]}{chr(0) * (end - start)}{text[end:]}"
    return sorted(found, key=lambda place: place.start)


def _most_digits(text: str) -> int:
    """Return how many digits stand together at most; dates and small amounts are known not to be personal."""
    numbers = [number for number in _NUMBER.findall(text) if not _NO_NUMBER.fullmatch(number)]
    return max((sum(map(str.isdigit, number)) for number in numbers), default=0)


def _places(rule: Rule, text: str) -> Iterator[tuple[int, int]]:
    group = "value" if "value" in rule.pattern.groupindex else 0
    for match in rule.pattern.finditer(text):
        start, end = match.span(group)
        before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
        if length := rule.accepted_length(text[start:end], before=before, after=after):
            yield start, start + length


def redact_text(text: str) -> str:
    """Return the text without e-mail and IP addresses, phone, card, account and national id numbers and secrets."""
    # A run says the same again and again: instructions and what was said before are in each of its model calls.
    return _redacted_once(text) if len(text) in _WORTH_KEEPING else _redacted(text)


@lru_cache(maxsize=256)
def _redacted_once(text: str) -> str:
    return _redacted(text)


def _redacted(text: str) -> str:
    found = find_personal(text)
    if not found:
        return text
    pieces, at = [], 0
    for place in found:
        pieces += [text[at : place.start], f"[{place.kind}]"]
        at = place.end
    return "".join([*pieces, text[at:]])


def redact(value: Any) -> Any:
    """Return a copy of a value of JSON types with every string redacted, keys included.

    Ids stay under the names that ids have; what stands under the name of a secret goes, whatever it looks like.
    """
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {redact_text(key): _redact_field(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item) for item in value]
    return value


def _redact_field(name: str, value: Any) -> Any:
    if isinstance(value, str):
        if value and _SECRET_FIELD.fullmatch(name):
            return "[secret]"
        # An address or a number with blanks under such a name is no id, whatever it is called.
        if _OWN_ID.fullmatch(name) and _OWN_ID_TEXT.fullmatch(value) and not value.startswith("+"):
            return value
    elif isinstance(value, int) and not isinstance(value, bool) and value >= _MIN_PERSONAL_NUMBER:
        personal = _PERSONAL_NUMBER.fullmatch(name)
        return f"[{_FIELD_KINDS[personal[1].lower()]}]" if personal else value
    return redact(value)
