"""What is a phone number, and what is a date, an amount, a house or an order number that looks like one."""

from __future__ import annotations

import re
from functools import lru_cache

PHONE = re.compile(
    r"(?<![\w@/#.-])(?<!\d[ ,:])(?:\+|00)?(?:\(\+?\d{1,4}\)|\d)(?:[ ./-]{0,2}(?:\(\d{1,4}\)|\d)){6,15}"
    r"(?: ?(?:x|ext\.? ?)\d{1,5})?(?![\w@%]|-\d|[.,:]\d)"
)
_DIGITS = range(7, 16)
_BARE_DIGITS = range(10, 14)
_DATE = re.compile(
    r"(?:(?:19|20)\d{2}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d{2})(?:[ T]\d{1,2})?"
    r"|(?:19|20)\d{2} ?[-/] ?(?:19|20)\d{2}"
)
_CALLED_PHONE = re.compile(
    r"(?i)\b(?:phone|tel|telephone|mobile|cell|call(?:ed|ing)?|dial|ring|fax|whatsapp|sms|text|reach|contact|hotline"
    r"|answering|number is|handy|telefon|num[eé]ro)\b[^\d\n]{0,30}$"
)
_CALLED_OTHERWISE = re.compile(
    r"(?i)(?:\b(?:order|invoice|ticket|tracking|parcel|reference|ref|case|sku|article|item|serial|account|licen[cs]e|id"
    r"|version|model|isbn|transaction|policy|booking|zip|postcode|amount|total)\b"
    r"(?:[ -]?(?:no\.?|nr\.?|number|id|code))?\W{0,3}(?:is |was )?|[$€£#])\W*$"
)
# Thousands, and versions of four parts.
_AMOUNT = re.compile(r"\d{1,3}(?:\.\d{3})+|(?:\d{1,3}\.){3}\d{1,3}")
_UNIT = re.compile(r"(?i)\s?(?:[$€£%]|usd|eur|gbp|dollars?|euros?|pounds?|bytes|[kmgt]i?b\b|ms\b|seconds?|tokens?)")
# Two numbers and a word are a house and a street, or a unit in a house.
_TWO_NUMBERS = re.compile(r"\d+ \d+")
_STREET = re.compile(r" [^\W\d_]{3,}")
# What has only seven digits and no area code is written in one way.
_SHORT = re.compile(r"\d{3}[ .-]\d{4}|.*\(.*")
_SHORT_DIGITS = 7
_AREA_CODE = re.compile(r"\(?0")
# Where a number without blanks and without its country is looked up; each country's table is loaded once.
_REGIONS = ("US", "GB", "DE", "FR", "IT", "ES", "NL", "CH", "SE", "PL", "AU", "BR", "IN")


def is_phone(found: str, before: str, after: str = "") -> bool:  # noqa: PLR0911 - one answer for each sign
    """Whether it is written like a phone number, or a word before it says so."""
    digits = "".join(filter(str.isdigit, re.split("x|ext", found)[0]))
    if len(digits) not in _DIGITS or len(set(digits)) == 1 or _DATE.fullmatch(found):
        return False
    if found.startswith(("+", "(+")):
        return is_possible("+" + digits.lstrip("0")) or is_possible("+" + digits.replace("0", "", 1))
    if _CALLED_OTHERWISE.search(before) or _AMOUNT.fullmatch(found) or _UNIT.match(after):
        return False
    if _CALLED_PHONE.search(before):
        return True
    if found.isdigit():
        return len(digits) in _BARE_DIGITS and is_valid_somewhere(digits)
    if len(digits) == _SHORT_DIGITS and not _SHORT.fullmatch(found):
        return False
    if _TWO_NUMBERS.fullmatch(found) and not _AREA_CODE.match(found):
        return not _STREET.match(after)
    return True


@lru_cache(4096)
def is_possible(number: str) -> bool:
    """Whether a number with its country code has a length that this country uses."""
    import phonenumbers  # noqa: PLC0415 - only who redacts pays for loading the tables of all countries

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(4096)
def is_valid_somewhere(number: str) -> bool:
    """Whether a number without its country code is given out in one of the large countries."""
    import phonenumbers  # noqa: PLC0415

    return any(phonenumbers.is_valid_number(phonenumbers.parse(number, region)) for region in _REGIONS)
