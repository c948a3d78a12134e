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
_SUPPORT = Lexicon(_SCOPE["support"])
_SHAPES = [re.compile(shape) for shape in _SCOPE["questions"]["shapes"]]
_WRITING = re.compile("|".join(_SCOPE["questions"]["writing"]))
_PERSONAL = re.compile(_SCOPE["questions"]["personal"])
_OFF_TOPIC_AT = 3.0
# People tell about their lives in long messages, so those need more before they are turned away.
_OFF_TOPIC_LONG_AT = 9.0
_SUPPORT_AT = 3.0
_LONG_QUESTION = 40


_HARM_PARTS = load_table("harm")
_GAP = r"[^.?!\n]{0,40}?"


def _joined(pattern: str) -> re.Pattern[str]:
    """Compile a pattern whose ``<names>`` stand for the pieces of the harm table, and ``..`` for a short gap."""
    filled = re.sub(r"<(\w+)>", lambda name: f"(?:{_HARM_PARTS[name.group(1)]})", pattern)
    return re.compile(filled.replace("..", _GAP))


_ASKS = _joined(r"\b<ask>")
_FICTION = _joined("<fiction>")
_DEEDS = (
    ("asks how to commit a crime", _joined(r"\b<ask>..\b<crime>")),
    ("asks for private details of another person", _joined(r"\b<ask>..\b<relation> (?:\w+ )?<private>\b")),
)
_REQUESTS = (
    ("asks how to hurt somebody", _joined(r"\b<ask>..\b(?:<grave>\b..\b<many>\b|<plain>\b..\b<one>)")),
    (
        "asks for drugs or weapons",
        _joined(r"\b<ask>..\b<obtain>\b(?: \w+){0,4}? <substance>\b(?! my| the| your| out| in\b| on\b)"),
    ),
)
_ATROCITY = ("praises or denies an atrocity", _joined(r"\b<praise>\b..\b<atrocity>|\b<atrocity>\b..\b<praise>\b"))
_ATROCITY_PIECES = tuple(_HARM_PARTS["atrocity_pieces"].split("|"))
_HATRED = (
    "speaks against a group of people",
    _joined(
        r"\b(?:why|reasons?|explain|is it)\b..\b"
        r"(?:<group>\b..\b(?:(?:should|must|ought to)\b..\b<exclusion>|<slur>)"
        r"|should..\b<group>\b..\b(?:<exclusion>|<slur>)|<slur>..\b<group>)\b"
    ),
)
_MALWARE = ("asks for malicious software", _joined(r"\b<malware>"))


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
    """Return what makes the message harmful, or an empty string; talk of a product speaks against it."""
    talks_shop = sum(hit.weight for hit in _SUPPORT.hits(text)) >= _SUPPORT_AT
    rules = _harm_rules(text.lower, talks_shop=talks_shop)
    for line in text.lower.split("\n"):
        if _FICTION.search(line):
            continue
        for reason, pattern in rules:
            if pattern.search(line):
                return reason
    return ""


def _harm_rules(lower: str, *, talks_shop: bool) -> list[tuple[str, re.Pattern[str]]]:
    """Return the rules that can apply at all; those with everyday words give way to talk of a product."""
    rules = [_MALWARE]
    if _ASKS.search(lower):
        rules += _DEEDS if talks_shop else _DEEDS + _REQUESTS
    if any(piece in lower for piece in _ATROCITY_PIECES):
        rules.append(_ATROCITY)
    if not talks_shop and any(piece in lower for piece in ("why", "reason", "explain", "is it")):
        rules.append(_HATRED)
    return rules


def off_topic_theme(text: Text) -> str:
    """Return the theme of a message that is not for a support desk, or an empty string."""
    support = sum(hit.weight for hit in _SUPPORT.hits(text))
    if not text.words or support >= _SUPPORT_AT:
        return ""
    scores = _THEMES.scores(text)
    if _asks_general_question(text):
        scores["general knowledge"] = _OFF_TOPIC_AT
    best = max(scores, key=lambda theme: scores[theme], default="")
    needed = _OFF_TOPIC_AT if len(text.words) <= _LONG_QUESTION else _OFF_TOPIC_LONG_AT
    return best if sum(scores.values()) - support >= needed else ""


def _asks_general_question(text: Text) -> bool:
    """Whether a short text has the shape of a quiz question and nobody speaks of something of their own."""
    if len(text.words) > _LONG_QUESTION:
        return False
    if _WRITING.search(text.lower):
        return True
    return not _PERSONAL.search(text.lower) and any(shape.search(text.lower) for shape in _SHAPES)
