"""Words to search the knowledge base with, out of a customer's message."""

from __future__ import annotations

from triage.domain import Category
from triage.llm.offline.labels import Labels
from triage.llm.offline.text import Text, english_words, load_table

_MOST_WORDS = 14
_EMPTY = frozenset(load_table("query")["empty_words"].split())
_HINTS = {
    Category.BILLING: "billing",
    Category.TECHNICAL: "problem",
    Category.ACCOUNT: "account",
    Category.FEATURE_REQUEST: "feature request",
    Category.OTHER: "help",
}


def search_query(message: str, labels: Labels) -> str:
    """Return the telling words of a message in their order, put into English where a support word is known."""
    words = [word for word in english_words(Text(message).words[:400]) if word not in _EMPTY and len(word) > 1]
    told = list(dict.fromkeys(words))[:_MOST_WORDS]
    if labels.risk == "data_loss":
        told += ["data", "loss", "restore"]
    return " ".join(told) or _HINTS[labels.category]
