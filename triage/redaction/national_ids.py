"""Numbers that a state gives a person: those whose look tells, and those that need a word before them."""

from __future__ import annotations

import re
from importlib import import_module

# A social security number of the United States has no check digit; its look is enough.
SSN = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
# Module of stdnum and a look that nothing else has; its check digit, or its parts, are checked.
_BY_LOOK = {
    "fr.nir": r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}",
    "es.dni": r"\d{8}-?[A-Z]",
    "es.nie": r"[XYZ]-?\d{7}-?[A-Z]",
    "it.codicefiscale": r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]",
    "fi.hetu": r"\d{6}[-+A]\d{3}[0-9A-Z]",
    "se.personnummer": r"(?:19|20)?\d{6}[-+]\d{4}",
    "br.cpf": r"\d{3}\.\d{3}\.\d{3}-\d{2}",
    "ch.ssn": r"756\.\d{4}\.\d{4}\.\d{2}",
    "be.nn": r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}",
    "in_.pan": r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]",
    "mx.curp": r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d",
}
# The same, for bare numbers of which one in ten has a right check digit: a word before has to say what it is.
_BY_WORD = {
    "us.ssn": r"\d{9}|\d{3} \d{2} \d{4}",
    "us.itin": r"9\d{8}",
    "de.idnr": r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
    "nl.bsn": r"\d{9}",
    "pl.pesel": r"\d{11}",
    "br.cpf": r"\d{11}",
    "dk.cpr": r"\d{6}-?\d{4}",
    "no.fodselsnummer": r"\d{6} ?\d{5}",
    "in_.aadhaar": r"\d{4} ?\d{4} ?\d{4}",
    "gb.nhs": r"\d{3} ?\d{3} ?\d{4}",
    "se.personnummer": r"\d{10}(?:\d{2})?",
    "ca.sin": r"\d{3}[ -]?\d{3}[ -]?\d{3}",
}
# National Insurance numbers have no check digit, but a look of their own.
_NINO = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]")
# One look at the text for all of those that begin with a digit, one for all that begin with letters; before each the
# digits that stand together at least.
LOOKS = (
    (6, re.compile(r"(?<![\w.-])\d(?:[ .+-]?\d){6,14}(?:-?[A-Z]|[-+A]\d{0,3}[A-Z])?(?![\w-])")),
    (0, re.compile(r"(?<![\w-])[A-Z]{1,6} ?-?\d[\dA-Z -]{5,14}(?<=[\dA-Z])(?![\w-])")),
)
_CHECKS_BY_LOOK = [(module, re.compile(look)) for module, look in _BY_LOOK.items()]
_CHECKS_BY_WORD = [(module, re.compile(look)) for module, look in _BY_WORD.items()]
_WORDS = re.compile(
    r"(?i)\b(?:ssn|social security|national (?:id|insurance|identity)|tax (?:id|number)|id(?:entity)? (?:card|number)"
    r"|nino|steuer\S*|idnr|bsn|burgerservice\S*|pesel|cpf|cpr|aadhaar|nhs|sin|personnummer|f[oø]dselsnummer|passport)\b"
    r"[^\d\n]{0,25}$"
)


def is_national_id(found: str, before: str, _after: str = "") -> bool:
    """Whether it is a number of one of the countries above, its check digit included."""
    if _NINO.fullmatch(found):
        return True
    checks = _CHECKS_BY_LOOK + (_CHECKS_BY_WORD if _WORDS.search(before) else [])
    return any(look.fullmatch(found) and import_module(f"stdnum.{module}").is_valid(found) for module, look in checks)
