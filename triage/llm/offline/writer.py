"""The reply to the customer, out of a brief: a greeting, what is known, what helps, what comes next.

Only the points and articles of a brief in our own form reach the reply. From a brief that another model wrote, the
language is taken and nothing else: its sentences are meant for the writer, not for the customer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.domain import Category, Urgency
from triage.llm.offline.injection import injection_evidence
from triage.llm.offline.text import Text, load_table

_SALUTATIONS = load_table("reply")["languages"]
_OPENINGS = load_table("reply")["openings"]
_ABOUT = frozenset({*Category, "order"})
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_MONEY = re.compile(r"[$€£]\s?\d|\d\s?(?:usd|eur|gbp|dollars|euros|%)", re.IGNORECASE)
_PROMISE = re.compile(
    r"\b(?:refund\w*|credit\w*|compensat\w*|reimburs\w*|guarantee\w*|free of charge)\b", re.IGNORECASE
)
_EXCERPT_LENGTH = 320


@dataclass(frozen=True)
class Brief:
    """What the writer gets: the message, its labels, points to tell and articles as (title, url, excerpt).

    ``about`` is a category or ``order``; ``notes`` are background, such as a reviewer's reason, and stay inside.
    """

    message: str
    language: str
    about: str
    urgency: Urgency
    points: tuple[str, ...] = ()
    articles: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return the brief in words that any writer can follow."""
        lines = [
            f"Customer wrote: {self.message}",
            f"Language: {self.language}",
            f"About: {self.about}, {self.urgency.value}",
        ]
        lines += [f"Point: {point}" for point in self.points]
        lines += [f"Note: {note}" for note in self.notes]
        for title, url, excerpt in self.articles:
            lines += [f"Article: {title} | {url}", f"Excerpt: {excerpt}"]
        # One line each: a line break inside a value would let its text pose as a point of ours.
        return "\n".join(" ".join(line.split()) for line in lines)


def read_brief(text: str) -> Brief:
    """Read a brief; what is not in our form becomes the message alone.

    The writer's input may quote the customer's message first; only what stands between the last lines ``<brief>`` and
    ``</brief>`` is the brief then.
    """
    text = text.rpartition("\n<brief>\n")[2].partition("\n</brief>")[0]
    rows = [
        (key.strip(), value.strip()) for key, mark, value in (line.partition(":") for line in text.splitlines()) if mark
    ]
    first = dict(reversed(rows))
    about, _, urgency = first.get("About", "").partition(", ")
    language = first.get("Language", "")
    titles = [value.partition(" | ") for key, value in rows if key == "Article"]
    excerpts = [value for key, value in rows if key == "Excerpt"]
    return Brief(
        message=first.get("Customer wrote", ""),
        language=language if language in _SALUTATIONS else Text(first.get("Customer wrote", text)).language,
        about=about if about in _ABOUT else "other",
        urgency=Urgency(urgency) if urgency in set(Urgency) else Urgency.MEDIUM,
        points=tuple(value for key, value in rows if key == "Point"),
        articles=tuple((title, url, excerpt) for (title, _, url), excerpt in zip(titles, excerpts, strict=False)),
    )


def write_reply(brief: str, *, instructions: str = "") -> str:  # noqa: ARG001 - the brief says everything
    """Write the reply to a brief as it stands in the writer's input."""
    return write_from(read_brief(brief))


def write_from(brief: Brief) -> str:
    """Write the reply; the frame is in the customer's language, the rest in English."""
    words = _SALUTATIONS[brief.language]
    body = [_opening(brief)]
    if brief.points:
        body.append(" ".join(_safe(point) for point in brief.points if _safe(point)))
    body += _help(brief)
    body.append(_next(brief))
    return "\n\n".join(part for part in (words["greeting"], *body, words["closing"]) if part)


def _opening(brief: Brief) -> str:
    if brief.urgency is Urgency.CRITICAL:
        return str(_OPENINGS["critical"])
    if brief.urgency is Urgency.HIGH:
        return str(_OPENINGS["high"])
    return str(_OPENINGS[brief.about])


def _help(brief: Brief) -> list[str]:
    told = [(title, url, _safe(excerpt)) for title, url, excerpt in brief.articles]
    parts = [f"{excerpt} (From our article “{title}”: {url})" for title, url, excerpt in told[:1] if excerpt]
    more = [f"“{title}” ({url})" for title, url, _ in told[1:]]
    if more:
        parts.append(f"This may help as well: {' and '.join(more)}.")
    return parts


def _next(brief: Brief) -> str:
    if brief.urgency in {Urgency.HIGH, Urgency.CRITICAL}:
        return str(_OPENINGS["next_grave"])
    if not brief.points and not brief.articles:
        return str(_OPENINGS["next_unknown"])
    return str(_OPENINGS["next"])


def _safe(text: str) -> str:
    """Return the sentences that neither promise money nor instruct, up to a readable length."""
    kept: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        is_promise = _MONEY.search(sentence) and _PROMISE.search(sentence)
        if is_promise or injection_evidence(Text(sentence)):
            continue
        if kept and len(" ".join(kept)) + len(sentence) > _EXCERPT_LENGTH:
            break
        kept.append(sentence)
    return " ".join(kept)
