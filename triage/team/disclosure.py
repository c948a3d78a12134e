"""Finds what a reply may not disclose: other customers' data and secrets, as pure rules over text.

A rule returns the reason in one sentence that does not quote the text, or None.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from triage.team.data_text import EMAIL

_WITH_DIGIT = re.compile(r"(?<![\w-])[A-Za-z-]{0,20}\d[A-Za-z0-9-]{0,39}(?![\w-])")
_ACCOUNT_ID = re.compile(r"\bA-\d{3,8}\b")
# "order 3 is late" names an order, "you can order 3 hubs" does not.
_ORDER_NUMBER = re.compile(
    r"\border\s?(?:#|no\.?\s|number\s|id\s|nr\.?\s)\s?#?([A-Za-z-]{0,12}\d[A-Za-z0-9-]{0,39})"
    r"|\border\s(\d{1,10})(?=\s(?:is|was|has|will|can|cannot|could|from|that|which|and|belongs)\b|\s?[.,;:!?)]|\s?$)",
    re.IGNORECASE,
)
_ROLE_ADDRESSES = frozenset(
    {"accounts", "billing", "contact", "email", "feedback", "hello", "help", "info", "invoices", "legal", "name"}
    | {"no-reply", "noreply", "orders", "privacy", "returns", "sales", "security", "support", "team", "user", "you"}
)
_SECRETS = (
    (
        re.compile(
            r"\bsk-[A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[baprs]-[A-Za-z0-9-]{10,}|"
            r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|\bAIza[0-9A-Za-z_-]{30,}"
        ),
        "an API key",
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"), "a signed token"),
    (re.compile(r"\bBearer\s[A-Za-z0-9._~+/-]{20,}"), "an access token"),
    (re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"), "a private key"),
    (
        re.compile(
            r"\b(?:api[_ -]?key|secret|token)\s?(?:is|[:=])\s?['\"]?(?=[^\s'\"]{0,80}\d)[A-Za-z0-9_\-./+]{12,}",
            re.IGNORECASE,
        ),
        "a key or token",
    ),
    (
        re.compile(
            r"\b(?:password|passwort|passphrase|pin)\s?(?:is|ist|[:=])\s?['\"]?(?=[^\s'\"]{0,80}\d)[^\s'\"]{4,}",
            re.IGNORECASE,
        ),
        "a password",
    ),
)


def find_foreign_data(text: str, *, message: str, known: Collection[str]) -> str | None:
    """Return why ``text`` shows another customer's data, or None.

    ``message`` is what the customer wrote and ``known`` the addresses and ids that look-ups for this customer returned;
    addresses of a role such as support@ belong to nobody.
    """
    seen = {value.casefold() for value in known} | {value.casefold() for value in mentioned_in(message)}
    flat = " ".join(text.split())
    for email in EMAIL.findall(flat):
        if email.casefold() not in seen and email.partition("@")[0].casefold() not in _ROLE_ADDRESSES:
            return "The reply names an email address that is neither the customer's nor in their message."
    if any(account_id.casefold() not in seen for account_id in _ACCOUNT_ID.findall(flat)):
        return "The reply names an account that is not the customer's."
    if any((first or second).casefold() not in seen for first, second in _ORDER_NUMBER.findall(flat)):
        return "The reply names an order that is not the customer's."
    return None


def find_secret(text: str, *, instructions: Collection[str]) -> str | None:
    """Return which secret ``text`` shows, or None; ``instructions`` are phrases that no reply may repeat."""
    flat = " ".join(text.split())
    for pattern, name in _SECRETS:
        if pattern.search(flat):
            return f"The reply shows {name}."
    folded = flat.casefold()
    if any(phrase in folded for phrase in instructions):
        return "The reply repeats the team's instructions."
    return None


def mentioned_in(text: str) -> list[str]:
    """Return the addresses and everything with a digit in ``text``, each once: it may be an id."""
    return list(dict.fromkeys([*EMAIL.findall(text), *_WITH_DIGIT.findall(text)]))


def protected_phrases(instructions: str, *, shortest: int = 50) -> frozenset[str]:
    """Return the parts of ``instructions`` between stops that are long enough to be recognised, for comparison."""
    points = re.split(r"\n\s*\n|\n(?=[-#])", instructions)
    phrases = (phrase for point in points for phrase in re.split(r"(?<=[.;:])\s", " ".join(point.strip("-# ").split())))
    return frozenset(phrase.casefold() for phrase in phrases if len(phrase) >= shortest)
