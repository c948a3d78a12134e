"""What personal values look like, kind by kind, and how what only looks alike is told apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address

from triage.redaction.national_ids import LOOKS, SSN, is_national_id
from triage.redaction.phone_numbers import PHONE, is_phone
from triage.redaction.secret_patterns import secret_patterns

_CARD_LENGTHS = range(12, 20)
_IBAN_LENGTHS = range(15, 35)
_GAP = re.compile(r"[ -]+")
Accepts = Callable[[str, str, str], bool]
"""Takes what was found, the text just before it and the text just after."""


@dataclass(frozen=True)
class Rule:
    """A pattern, what its finds are called, and a check that says no to what only looks alike.

    What is found is the group ``value`` where the pattern has one. A text with a find has one of ``words``, in small
    letters, and ``digits`` of them together. What has a check digit (``is_checked``) may run on into other numbers and
    is cut at its gaps.
    """

    kind: str
    pattern: re.Pattern[str]
    words: tuple[str, ...] = ()
    digits: int = 0
    accepts: Accepts = lambda _found, _before, _after: True
    is_checked: bool = False

    def accepted_length(self, found: str, *, before: str, after: str) -> int:
        """Return how much of what was found is what the rule looks for; 0 is none."""
        gaps = _GAP.finditer(found) if self.is_checked else ()
        for cut in (len(found), *reversed([gap.start() for gap in gaps])):
            if self.accepts(found[:cut], before, found[cut:] + after):
                return cut
        return 0


def is_card(text: str, _before: str = "", _after: str = "") -> bool:
    """Whether the digits have a card's length and pass the Luhn check."""
    from stdnum import luhn  # noqa: PLC0415 - only who redacts pays for loading it

    digits = "".join(filter(str.isdigit, text))
    return len(digits) in _CARD_LENGTHS and len(set(digits)) > 1 and bool(luhn.is_valid(digits))


def is_iban(text: str, _before: str = "", _after: str = "") -> bool:
    """Whether the text passes the check of IBANs: remainder 1 modulo 97."""
    from stdnum.iso7064 import mod_97_10  # noqa: PLC0415

    plain = re.sub(r"[\s-]", "", text).upper()
    return len(plain) in _IBAN_LENGTHS and bool(mod_97_10.is_valid(plain[4:] + plain[:4]))


def is_address(text: str, before: str = "", _after: str = "") -> bool:
    """Whether the text is somebody's IP address, version 4 or 6."""
    if not any(map(str.isdigit, text)):
        return False
    try:
        address = ip_address(text)
    except ValueError:
        return False
    # Nobody's are 0.0.0.0 and 127.0.0.1; versions have four parts, too.
    return not (address.is_unspecified or address.is_loopback or _VERSION.search(before))


_VERSION = re.compile(r"(?i)(?:\bversion|\bv|\brelease|\bbuild|\bfirmware)[ :=]*$")
_EMAIL = re.compile(r"[\w.%+'-]+@(?:[\w-]+\.)+[^\W\d]{2,}")
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{2,4}){3,9}(?!\w)")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\w-])")
_IP_4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)")
_IP_6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules in the order in which they look; what one has found the later ones do not see."""
    return (
        *(Rule("secret", pattern, words) for pattern, words in secret_patterns()),
        Rule("e-mail", _EMAIL, ("@",)),
        Rule("iban", _IBAN, digits=4, accepts=is_iban, is_checked=True),
        Rule("card", _CARD, digits=_CARD_LENGTHS.start, accepts=is_card, is_checked=True),
        Rule("ip", _IP_4, (".",), digits=4, accepts=is_address),
        Rule("ip", _IP_6, (":",), accepts=is_address),
        Rule("national id", SSN, ("-",), digits=9),
        *(Rule("national id", look, digits=few, accepts=is_national_id, is_checked=True) for few, look in LOOKS),
        Rule("phone", PHONE, digits=7, accepts=is_phone),
    )
