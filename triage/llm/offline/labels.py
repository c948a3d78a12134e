"""Category, urgency and wishes of a customer's message, by phrases and a few sentence patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from triage.domain import Category, Urgency
from triage.llm.offline.text import Lexicon, Text, load_table

_TABLE = load_table("labels")
_CATEGORIES = Lexicon(_TABLE["category"])
_URGENCIES = Lexicon(_TABLE["urgency"])
_WISHES = Lexicon({wish: {"strong": phrases} for wish, phrases in load_table("wishes")["phrases"].items()})

# Between equal scores the more specific category wins.
_PREFERENCE = (Category.FEATURE_REQUEST, Category.BILLING, Category.ACCOUNT, Category.TECHNICAL, Category.OTHER)
_LEAST_EVIDENCE = 2.0
_HIGH_AT = 3.0
_MEDIUM_AT = 2.0

_TOTAL_LOSS = re.compile(
    r"\b(?:all|every|everything|entire|whole|none of)\b[^.!?\n]{0,60}?"
    r"\b(?:gone|empty|deleted|erased|wiped|vanished|disappeared|lost|blank)\b"
    r"|\b(?:lost|deleted|erased|wiped)\b[^.!?\n]{0,20}?\b(?:all|every|everything|entire|whole)\b[^.!?\n]{0,40}?"
    r"\b(?:data|projects?|files?|tasks?|work|boards?|workspaces?|records?)\b"
)
_TOTAL_OUTAGE = re.compile(
    r"\b(?:nobody|no one|none of (?:us|our)|all (?:of )?(?:our )?(?:users|customers|employees)|everyone"
    r"|entire (?:team|company))\b[^.!?\n]{0,40}?"
    r"\b(?:can|cannot|can't|unable|locked out|down)\b[^.!?\n]{0,20}?"
    r"\b(?:log ?in|sign ?in|access|work|open|use|reach|connect)\b"
)
_BREACH = re.compile(
    r"\b(?:someone|somebody|stranger|attacker|hacker|unknown person|unknown user)\b[^.!?\n]{0,40}?"
    r"\b(?:logged in(?:to)?|signed in(?:to)?|accessed|broke into|got into|hacked|stole|took over|downloaded)\b"
    r"|\b(?:been|was|were|got) (?:hacked|breached|compromised|leaked)\b"
)
_ORDER_ID = re.compile(
    r"\b(?:order|purchase|bestellung|commande|pedido)\s*(?:no\.?|number|nr\.?|id|num[eé]ro|nummer|n°)?\s*[:#]?\s*((?:[a-z]{1,4}-?)?\d[\w-]{0,24})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Labels:
    """What a message is about; ``wishes`` are words of ``lexicon/wishes.toml``, ``risk`` names a danger or is empty."""

    category: Category
    urgency: Urgency
    confidence: float
    wishes: frozenset[str]
    order_ids: tuple[str, ...]
    risk: str
    language: str

    @property
    def is_about_orders(self) -> bool:
        """Whether somebody has to look at an order of the shop."""
        wishes = self.wishes
        if self.order_ids or wishes & {"track", "cancel_order"}:
            return True
        if "return" in wishes and wishes & {"order", "device"}:
            return True
        return "order" in wishes and self.category in {Category.OTHER, Category.BILLING}


@lru_cache(maxsize=256)
def read_labels(message: str) -> Labels:
    """Label a message; the same text gives the same labels."""
    text = Text(message)
    wishes = frozenset(_WISHES.scores(text))
    order_ids = tuple(dict.fromkeys(found.strip("-_") for found in _ORDER_ID.findall(text.shown)))[:3]
    risk = _risk_of(text, wishes)
    category, confidence = category_of(text)
    if risk in {"data_loss", "outage"}:
        category, confidence = Category.TECHNICAL, max(confidence, 0.8)
    if "return" in wishes and (order_ids or wishes & {"order", "device"}):
        category = Category.BILLING
    urgency = Urgency.CRITICAL if risk in {"data_loss", "outage", "breach"} else urgency_of(text)
    return Labels(category, urgency, confidence, wishes, order_ids, risk, text.language)


def category_of(text: Text) -> tuple[Category, float]:
    """Return the category with the most evidence and a confidence from 0 to 1; ``other`` where there is too little."""
    scores = _CATEGORIES.scores(text)
    best = max(_PREFERENCE, key=lambda category: scores.get(category, 0.0))
    total = sum(scores.values())
    if scores.get(best, 0.0) < _LEAST_EVIDENCE:
        return Category.OTHER, 0.3
    rivals = max(scores.get(category, 0.0) for category in Category if category is not best)
    return best, round(min(0.9, 0.5 + 0.4 * (scores[best] - rivals) / total), 2)


def urgency_of(text: Text) -> Urgency:
    """Return the urgency by the definitions, as far as words tell."""
    scores = _URGENCIES.scores(text)
    if scores.get(Urgency.CRITICAL, 0.0) > 0:
        return Urgency.CRITICAL
    calm = scores.get(Urgency.LOW, 0.0)
    if scores.get(Urgency.HIGH, 0.0) >= _HIGH_AT:
        return Urgency.HIGH
    if scores.get(Urgency.MEDIUM, 0.0) >= max(_MEDIUM_AT, 0.75 * calm):
        return Urgency.MEDIUM
    return Urgency.LOW


def _risk_of(text: Text, wishes: frozenset[str]) -> str:
    lower = text.lower
    is_parcel = "order" in wishes and not {"project", "workspac", "board", "data"} & text.stem_set
    if (_TOTAL_LOSS.search(lower) or {"all", "data", "gone"} <= text.stem_set) and not is_parcel:
        return "data_loss"
    if _BREACH.search(lower):
        return "breach"
    if _TOTAL_OUTAGE.search(lower):
        return "outage"
    return "legal" if "legal" in wishes else ""
