"""The input check: whether a message belongs to a support desk, by written rules; in doubt it passes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from triage.llm.offline.injection import injection_evidence
from triage.llm.offline.text import Lexicon, Text, load_table

Verdict = Literal["support", "off_topic", "injection_attempt", "harmful"]


@dataclass(frozen=True)
class Judgement:
    """A verdict with the reason in words for a support lead."""

    verdict: Verdict
    reason: str


_SCOPE = load_table("scope")
_THEMES = Lexicon(_SCOPE["themes"])
_SUPPORT = Lexicon({"support": {"strong": _SCOPE["support"]["words"]}})
_OFF_TOPIC_AT = 3.0


def _harm_patterns() -> list[tuple[str, re.Pattern[str]]]:
    part = load_table("harm")
    gap = r"[^.?!\n]{0,40}?"
    patterns = {
        "asks how to hurt somebody": rf"{part['ask']}{gap}\b{part['violence']}\b{gap}\b{part['person']}\b",
        "asks how to commit a crime": rf"{part['ask']}{gap}\b{part['crime']}",
        "asks for drugs or weapons": rf"{part['ask']}{gap}\b{part['obtain']}\b(?: \w+){{0,4}}? {part['substance']}\b(?! my| the| your| out)",
        "praises or denies an atrocity": rf"{part['praise']}\b{gap}{part['atrocity']}|{part['atrocity']}{gap}\b{part['praise']}",
        "speaks against a group of people": rf"\b(?:why|reasons?|explain|is it)\b{gap}(?:{part['group']})\b{gap}\b{part['exclusion']}",
        "asks for private details of another person": rf"{part['ask']}{gap}\b{part['relation']} (?:\w+ )?{part['private']}\b",
        "asks for malicious software": part["malware"],
    }
    return [(reason, re.compile(pattern)) for reason, pattern in patterns.items()]


_HARM = _harm_patterns()
_FICTION = re.compile(load_table("harm")["fiction"])


def judge(message: str) -> Judgement:
    """Judge one customer message."""
    text = Text(message)
    if evidence := injection_evidence(text):
        return Judgement("injection_attempt", f"The message {evidence}.")
    if evidence := harm_evidence(text):
        return Judgement("harmful", f"The message {evidence}.")
    if theme := off_topic_theme(text):
        return Judgement("off_topic", f"The message is about {theme}, not about a product or an order.")
    return Judgement("support", "Nothing speaks against a support request.")


def harm_evidence(text: Text) -> str:
    """Return what makes the message harmful, or an empty string."""
    for sentence in text.lower.split("\n"):
        if _FICTION.search(sentence):
            continue
        for reason, pattern in _HARM:
            if pattern.search(sentence):
                return reason
    return ""


def off_topic_theme(text: Text) -> str:
    """Return the theme of a message that is not for a support desk, or an empty string."""
    if not text.words or _SUPPORT.hits(text):
        return ""
    scores = _THEMES.scores(text)
    best = max(scores, key=lambda theme: scores[theme], default="")
    return best if sum(scores.values()) >= _OFF_TOPIC_AT else ""
