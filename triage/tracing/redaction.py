"""Takes personal values and secrets out of text before it is kept.

Each rule replaces what it finds by the name of its kind in brackets. Numbers with a check digit (cards, IBAN) are
checked, so that order numbers stay readable. Names and street addresses stay: no pattern finds them reliably.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

_CARD_LENGTHS = range(12, 20)
_PHONE_DIGITS = range(8, 16)
_SHORT_PHONE_DIGITS = 7
_DOUBLED_DIGIT_MAX = 9
_MAX_IBAN_LENGTH = 34
_MIN_IBAN_LENGTH = 15
_GAP = re.compile(r"[ -]+")


@dataclass(frozen=True)
class Rule:
    """A pattern, what to write instead, and a check that says no to what only looks alike."""

    kind: str
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool] = lambda _found: True
    is_checked: bool = False

    def redact(self, text: str) -> str:
        """Return the text with every accepted match replaced."""
        return self.pattern.sub(lambda match: self._mark(match.group()), text)

    def _mark(self, found: str) -> str:
        """Return the mark for what was found; one with a check digit may run on into other numbers."""
        gaps = _GAP.finditer(found) if self.is_checked else ()
        cuts = [len(found), *reversed([gap.start() for gap in gaps])]
        for cut in cuts:
            if self.accepts(found[:cut]):
                return f"[{self.kind}]{found[cut:]}"
        return found


def is_card(text: str) -> bool:
    """Whether the digits have a card's length and pass the Luhn check."""
    digits = [int(character) for character in text if character.isdigit()]
    if len(digits) not in _CARD_LENGTHS or len(set(digits)) == 1:
        return False
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if position % 2 else digit
        total += doubled - 9 if doubled > _DOUBLED_DIGIT_MAX else doubled
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the text passes the IBAN check (remainder 1 modulo 97)."""
    plain = re.sub(r"[\s-]", "", text).upper()
    if not _MIN_IBAN_LENGTH <= len(plain) <= _MAX_IBAN_LENGTH:
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def is_address(text: str) -> bool:
    """Whether the text is an IP address, version 4 or 6."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_phone(text: str) -> bool:
    """Whether the digits are as many as a phone number has; seven are enough only with a separator."""
    digits = sum(character.isdigit() for character in text)
    if _DATE.fullmatch(text.strip()):
        return False
    return digits in _PHONE_DIGITS or (digits == _SHORT_PHONE_DIGITS and not text.isdigit())


_DATE = re.compile(r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4})(?:[ T]\d{1,2})?")
_SECRETS = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\b(?:sk|pk|rk)[-_][\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\bAIza[\w-]{30,}"
    r"|(?<=[Bb]earer )[\w.~+/-]{16,}=*"
)
RULES = (
    Rule("secret", re.compile(_SECRETS)),
    Rule("email", re.compile(r"[\w.%+'-]+@(?:[\w-]+\.)+[^\W\d]{2,}")),
    Rule("iban", re.compile(r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{2,4}){3,9}\b"), is_iban, is_checked=True),
    Rule("card", re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\w-])"), is_card, is_checked=True),
    Rule("ssn", re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")),
    Rule("ip", re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)"), is_address),
    Rule("ip", re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"), is_address),
    Rule(
        "phone",
        re.compile(
            r"(?<![\w.@/#-])(?:\+|00)?(?:\(\+?\d{1,4}\)|\d)(?:[ ./-]{0,2}(?:\(\d{1,4}\)|\d)){6,15}"
            r"(?:x\d{1,5})?(?![\w@-])"
        ),
        is_phone,
    ),
)
_MAY_HOLD_SOMETHING = re.compile(r"[\d@]|PRIVATE KEY|[Bb]earer |eyJ|[spr]k[-_]|gh[pousr]_|xox|AIza|AKIA|ASIA|glpat-")


def redact_text(text: str) -> str:
    """Return the text without e-mail and IP addresses, phone, card, account and social security numbers and secrets."""
    if not _MAY_HOLD_SOMETHING.search(text):
        return text
    for rule in RULES:
        text = rule.redact(text)
    return text


def redact(value: Any) -> Any:
    """Return a copy of a value of JSON types with every string redacted, keys included."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {redact_text(key): redact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item) for item in value]
    return value
