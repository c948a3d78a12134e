"""Finds billing promises in a reply, as a pure rule over its sentences.

Three things are looked for: an amount of money in a sentence about refunds or credits, a promise of a refund or credit,
and a guarantee. The rule prefers precision, because a run that is stopped needs a person: speaking of the policy, of a
decision that is still open, or of what the customer asked for passes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation

# A new line ends a sentence only before a list item or an empty line, because a reply may be wrapped anywhere.
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n\s*?\n|\n[ \t]*(?=[-*•]|\d+[.)])")
_NUMBER = r"\d[\d,.]{0,15}(?<=\d)|\d"
_AMOUNT = re.compile(
    rf"(?:[$€£]|\b(?:USD|EUR|GBP))\s?({_NUMBER})|(?<![\d.,])({_NUMBER})\s?(?:[$€£]|(?:USD|EUR|GBP|dollars?|euros?|pounds?)\b)",
    re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r"(\d),(\d{2})")
_MONEY_BACK = re.compile(
    r"\b(?:refund|reimburs|compensat|money back|erstatt|rückzahl|rückerstatt|gutschrift|rembours|reembols|rimbors)"
    r"|\b(?:credit|credited)\b(?! card)",
    re.IGNORECASE,
)
_WILL = r"(?:'ll| will| shall| are going to| am going to)"
_GOOD = r"(?:refund|reimbursement|credit(?! card)|compensation|discount|money back)\b"
_FOR = r"(?: (?:for|of|on) [^,;:]{1,50}?)?"
_PROMISES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            rf"\b(?:we|i|and)(?:{_WILL}| can) (?:\w+ly |now |also |of course )?"
            r"(?:refund|reimburse|compensate|credit|waive)\b"
        ),
        (
            rf"\b(?:we|i)(?:{_WILL}| have|'ve) (?:\w+ly |now |already )?(?:issued?|process(?:ed)?|ma[dk]e|g[ia]ven?|"
            rf"sen[dt]|grant(?:ed)?|offer(?:ed)?|approved?|arranged?|initiated?) (?:you )?(?:\w+ ){{0,3}}{_GOOD}"
            r"(?! (?:request|policy))"
        ),
        rf"\byou{_WILL} (?:\w+ly |soon )?(?:receive|get|be given|see|have) (?:\w+ ){{0,4}}?{_GOOD}",
        r"\byou(?:'ll| will| have been|'ve been) (?:be )?(?:\w+ly )?(?:refunded|reimbursed|compensated|credited)\b",
        (
            rf"\b(?:your|the|a) (?:\w+ ){{0,2}}(?:refund|reimbursement|credit|compensation){_FOR} "
            r"(?:will be|has been|is being|was|is) (?:\w+ly |already )?"
            r"(?:issued|processed|approved|made|sent|granted|guaranteed|on its way|confirmed|initiated)\b"
        ),
        r"\b(?:we|i) (?:guarantee|promise)\b|\bguaranteed (?:refund|credit|money)",
        r"\bwir (?:werden )?(?:\w+ ){0,6}?(?:erstatten|zurückzahlen|zurückerstatten)\b",
        r"\bsie erhalten (?:\w+ ){0,3}?(?:rückerstattung|erstattung|gutschrift)\b",
        r"\bnous vous (?:rembourserons|remboursons)\b|\bvous serez remboursé",
        r"\b(?:le|te|les) reembolsaremos\b|\brecibirá (?:\w+ ){0,2}?reembolso\b",
    )
)
# What may be said of a refund that was made: that it was, and that the customer will see it.
_STATEMENTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            r"\b(?:we|i)(?: have|'ve) (?:\w+ly |now |already )?(?:issued|processed|made|given|sent|granted|approved|"
            r"arranged|initiated) (?:you )?(?:\w+ ){0,3}refund\b"
        ),
        r"\byou(?: have|'ve) been (?:\w+ly )?(?:refunded|reimbursed)\b",
        (
            rf"\b(?:your|the) (?:\w+ ){{0,2}}(?:refund|reimbursement){_FOR} (?:has been|is being|was|is) "
            r"(?:\w+ly |already )?(?:issued|processed|approved|made|sent|granted|on its way|confirmed|initiated)\b"
        ),
        (
            rf"\byou{_WILL} (?:\w+ly |soon )?(?:receive|get|see|have) (?:the|your|this) (?:\w+ ){{0,2}}?"
            r"(?:refund|money back)\b"
        ),
        r"\bsie erhalten (?:die|ihre|diese) (?:\w+ )?(?:rückerstattung|erstattung)\b",
    )
)
# Words that speak of more than the one refund.
_MORE = re.compile(
    r"\b(?:also|another|additional(?:ly)?|further|extra|second|next|future|besides|as well|too|again|plus|both)\b"
    r"|\b(?:compensat\w+|discounts?|goodwill|weitere\w*|zusätzlich\w*|auch)\b|\bcredit(?:ed)?\b(?! card)",
    re.IGNORECASE,
)
_ORDER = re.compile(r"(?:\border (?:number |no\. ?|id )?#?|#)(?=[\w-]*\d)([\w-]+)", re.IGNORECASE)
# A condition on somebody's decision makes a statement of the policy out of a promise.
_UNDECIDED = re.compile(
    r"\b(?:if|once|when|after|whether|provided|subject to|as soon as)\b.{0,60}\b(?:approv|eligib|confirm|review|decid|"
    r"check|qualif|entitl)",
    re.IGNORECASE,
)
_RESTATES = re.compile(
    r"\byou (?:have )?(?:ask|request|mention|wrote|write|expect|report|describ|want|would like|are (?:asking|waiting))"
    r"|\byour (?:request|question|message)\b",
    re.IGNORECASE,
)


def find_billing_promise(text: str, *, message: str = "", refunds: Mapping[str, str] | None = None) -> str | None:
    """Return in one sentence why ``text`` promises money, or None.

    ``message`` is what the customer wrote: its amounts may be repeated where the reply says what was asked for.
    ``refunds`` are those that were approved and made in this run, order id to amount in US dollars: that they were made
    may be said, and their exact amount; any other promise stays one.
    """
    orders = {order.casefold() for order in refunds or {}}
    made = {_as_number(amount) for amount in (refunds or {}).values()}
    for sentence in _SENTENCES.split(_plain(text)):
        flat = " ".join(sentence.split())
        is_promise = any(rule.search(flat) for rule in _PROMISES)
        if _MONEY_BACK.search(flat):
            is_restated = bool(_RESTATES.search(flat)) and not is_promise
            allowed = made | _amounts(_plain(message)) if is_restated else made
            if _amounts(flat) - allowed:
                return "The reply names an amount of money together with a refund or credit."
        if is_promise and not _UNDECIDED.search(flat) and not (orders and _states_refund(flat, orders=orders)):
            return "The reply promises a refund, credit or compensation that nobody has approved."
    return None


def _states_refund(sentence: str, *, orders: Collection[str]) -> bool:
    """Whether a sentence says no more than that the refunds of ``orders`` were made and will arrive."""
    if _MORE.search(sentence) or {order.casefold() for order in _ORDER.findall(sentence)} - set(orders):
        return False
    stated = [found.span() for rule in _STATEMENTS for found in rule.finditer(sentence)]
    return all(
        any(start < promise.end() and promise.start() < end for start, end in stated)
        for rule in _PROMISES
        for promise in rule.finditer(sentence)
    )


def _amounts(text: str) -> set[Decimal | None]:
    return {_as_number(first or second) for first, second in _AMOUNT.findall(text)}


def _as_number(amount: str) -> Decimal | None:
    """Return 1299.5 for ``1,299.50`` and ``1299,50``; None, which no other amount equals, for what is not a number."""
    if _DECIMAL_COMMA.fullmatch(amount[-4:]):
        amount = f"{amount[:-3].replace('.', '')}.{amount[-2:]}"
    try:
        return Decimal(amount.replace(",", "")).normalize()
    except InvalidOperation:
        return None


def _plain(text: str) -> str:
    """Return ``text`` with the typographic apostrophe replaced, so that the rules know one form."""
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
