"""What a reply may not say, as pure rules over text: billing promises, other customers' data, secrets.

A rule returns the reason in one sentence that does not quote the text, or None. The rules prefer precision: a run
that is stopped needs a person, so a sentence that merely speaks of refunds has to pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation

from triage.team.data_text import EMAIL

_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_AMOUNT = re.compile(
    r"(?:[$€£]|\b(?:USD|EUR|GBP)\s?)\s?(\d[\d,]*(?:\.\d+)?)|(\d[\d,]*(?:[.,]\d+)?)\s?(?:[$€£]|(?:USD|EUR|GBP|dollars?|euros?|pounds?)\b)",
    re.IGNORECASE,
)
_MONEY_BACK = re.compile(
    r"\b(?:refund|reimburs|compensat|money\s+back|goodwill\s+credit|account\s+credit|erstatt|rückzahl|gutschrift|rembours|"
    r"reembols|rimbors)|\b(?:credit|credited)\b(?!\s+card)",
    re.IGNORECASE,
)
_PROMISES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            r"\b(?:we|i)(?:'ll|\s+will|\s+shall|\s+can|\s+are\s+going\s+to|\s+am\s+going\s+to)\s+(?:\w+ly\s+|now\s+|also\s+|of\s+course\s+)?"
            r"(?:refund|reimburse|compensate|credit|waive)\b"
        ),
        (
            r"\b(?:we|i)(?:'ll|\s+will|\s+shall|\s+are\s+going\s+to|\s+have|'ve)\s+(?:\w+ly\s+|now\s+|already\s+)?"
            r"(?:issued?|process(?:ed)?|ma[dk]e|g[ia]ven?|sen[dt]|grant(?:ed)?|offer(?:ed)?|approved?|arranged?|initiated?)\s+"
            r"(?:you\s+)?(?:(?:a|an|the|your)\s+)?(?:\w+\s+){0,2}(?:refund|reimbursement|credit|compensation|discount)\b(?!\s+(?:request|policy))"
        ),
        (
            r"\byou(?:'ll|\s+will|\s+are\s+going\s+to)\s+(?:\w+ly\s+|soon\s+)?(?:receive|get|be\s+given|see|have)\s+(?:\w+\s+){0,4}?"
            r"(?:refund|reimbursement|credit(?!\s+card)|compensation|money\s+back|discount)\b"
        ),
        r"\byou(?:'ll|\s+will|\s+have\s+been|'ve\s+been)\s+(?:be\s+)?(?:\w+ly\s+)?(?:refunded|reimbursed|compensated|credited)\b",
        (
            r"\b(?:your|the|a)\s+(?:\w+\s+){0,2}(?:refund|reimbursement|credit|compensation)\s+(?:will\s+be|has\s+been|is\s+being|was|is)\s+"
            r"(?:\w+ly\s+|already\s+)?(?:issued|processed|approved|made|sent|granted|guaranteed|on\s+its\s+way|confirmed|initiated)\b"
        ),
        r"\b(?:we|i)\s+(?:guarantee|promise)\b|\bguaranteed\s+(?:refund|credit|money)",
        (
            r"\bwir\s+(?:werden\s+)?(?:\w+\s+){0,6}?(?:erstatten|zurückzahlen|zurückerstatten)\b|\bsie\s+erhalten\s+(?:\w+\s+){0,3}?"
            r"(?:rückerstattung|erstattung|gutschrift)\b"
        ),
        r"\bnous\s+vous\s+(?:rembourserons|remboursons)\b|\bvous\s+serez\s+remboursé",
        r"\b(?:le|te|les)\s+reembolsaremos\b|\brecibirá\s+(?:\w+\s+){0,2}?reembolso\b",
    )
)
# A condition on somebody's decision makes a statement of the policy out of a promise.
_UNDECIDED = re.compile(
    r"\b(?:if|once|when|after|whether|provided|subject\s+to|as\s+soon\s+as)\b.{0,60}\b(?:approv|eligib|confirm|review|decid|"
    r"check|qualif|entitl)",
    re.IGNORECASE,
)
_WITH_DIGIT = re.compile(r"(?<![\w-])[A-Za-z-]{0,20}\d[A-Za-z0-9-]{0,39}(?![\w-])")
_ACCOUNT_ID = re.compile(r"\bA-\d{3,8}\b")
_ORDER_NUMBER = re.compile(
    r"\border\s*(?:#|no\.?\s|number\s|id\s|nr\.?\s)\s*#?([A-Za-z0-9-]*\d[A-Za-z0-9-]*)"
    r"|\border\s+(\d{1,10})(?=\s+(?:is|was|has|will|can|cannot|could|from|that|which|and|belongs)\b|\s*[.,;:!?)]|\s*$)",
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
    (re.compile(r"\bBearer\s+[A-Za-z0-9._~+/-]{20,}"), "an access token"),
    (re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"), "a private key"),
    (
        re.compile(
            r"\b(?:api[_ -]?key|secret|token)\b\s*(?:is|[:=])\s*['\"]?(?=[^\s'\"]*\d)[A-Za-z0-9_\-./+]{12,}",
            re.IGNORECASE,
        ),
        "a key or token",
    ),
    (
        re.compile(
            r"\b(?:password|passwort|passphrase|pin)\b\s*(?:is|ist|[:=])\s*['\"]?(?=[^\s'\"]*\d)[^\s'\"]{4,}",
            re.IGNORECASE,
        ),
        "a password",
    ),
)


def find_billing_promise(text: str, *, refunds: Mapping[str, str]) -> str | None:
    """Return why ``text`` promises money, or None.

    ``refunds`` are those that were approved and made in this run, order id to amount in US dollars: that they were
    made may be said, and their exact amount.
    """
    made = {amount for amount in map(_as_number, refunds.values()) if amount is not None}
    for sentence in _SENTENCES.split(_plain(text)):
        amounts = {_as_number(first or second) for first, second in _AMOUNT.findall(sentence)}
        if _MONEY_BACK.search(sentence) and amounts - made:
            return "The reply names an amount of money together with a refund or credit."
        if any(rule.search(sentence) for rule in _PROMISES) and not refunds and not _UNDECIDED.search(sentence):
            return "The reply promises a refund, credit or compensation that nobody has approved."
    return None


def find_foreign_data(text: str, *, message: str, known: Collection[str]) -> str | None:
    """Return why ``text`` shows another customer's data, or None.

    ``message`` is what the customer wrote and ``known`` the addresses and ids that look-ups for this customer returned;
    addresses of a role such as support@ belong to nobody.
    """
    seen = {value.casefold() for value in known}
    own_words = message.casefold()
    for email in EMAIL.findall(text):
        is_role = email.partition("@")[0].casefold() in _ROLE_ADDRESSES
        if not is_role and email.casefold() not in seen and email.casefold() not in own_words:
            return "The reply names an email address that is neither the customer's nor in their message."
    for account_id in _ACCOUNT_ID.findall(text):
        if account_id.casefold() not in seen and account_id.casefold() not in own_words:
            return "The reply names an account that is not the customer's."
    for first, second in _ORDER_NUMBER.findall(text):
        order_id = (first or second).casefold()
        if order_id not in seen and not re.search(rf"(?<!\w){re.escape(order_id)}(?!\w)", own_words):
            return "The reply names an order that is not the customer's."
    return None


def find_secret(text: str, *, instructions: Collection[str]) -> str | None:
    """Return which secret ``text`` shows, or None; ``instructions`` are lines that no reply may repeat."""
    for pattern, name in _SECRETS:
        if pattern.search(text):
            return f"The reply shows {name}."
    flat = " ".join(text.split()).casefold()
    if any(line in flat for line in instructions):
        return "The reply repeats the team's instructions."
    return None


def mentioned_in(text: str) -> list[str]:
    """Return the addresses and everything with a digit in ``text``, each once: it may be an id."""
    return list(dict.fromkeys([*EMAIL.findall(text), *_WITH_DIGIT.findall(text)]))


def protected_lines(instructions: str, *, shortest: int = 60) -> frozenset[str]:
    """Return the lines of ``instructions`` that are long enough to be recognised, flattened for comparison."""
    lines = (" ".join(line.strip("-#* ").split()).casefold() for line in instructions.splitlines())
    return frozenset(line for line in lines if len(line) >= shortest)


def _plain(text: str) -> str:
    """Return ``text`` with the typographic apostrophe replaced, so that the rules know one form."""
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def _as_number(amount: str) -> Decimal | None:
    try:
        return Decimal(amount.replace(",", "")).normalize()
    except InvalidOperation:
        return None
