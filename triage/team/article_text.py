"""Reads Markdown as plain text: the words that a search compares, the sentences, and the excerpt that fits a query."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import Stemmer

MAX_EXCERPT = 500
"""Longest excerpt in characters; short enough that five of them cost a model little."""

SHORT_LEAD = 30
"""Below this length a sentence does not stand alone."""

# Words that every message has. In a small collection they are rare enough in the articles to look meaningful, so that
# "my" or "since" would decide a search; "down" and "off" stay, because they carry meaning in "is it down".
_STOP_TEXT = """
a about after again ain all also am an and any are aren as at be because been before being best both but by can
could couldn d dear did didn do does doesn doing don during each else ever every for from get gets getting give go
goes going got had hadn has hasn have haven having he hello help her here hers hey hi him his how however i if in
into is isn it its itself just kind let like ll m me more most much my need needs no nor not now of on once one only
or other our ours out over own please re really regards s same say says she should shouldn since so some still such
t tell than thank thanks that the their theirs them then there these they thing things this those through to today
tomorrow too try trying under until up us ve very want wants was wasn we were weren what when where which while who
whom whose why will with within without won would wouldn yes yesterday yet you your yours
"""
STOP_WORDS = frozenset(_STOP_TEXT.split())

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]{2,}")
_ACCENTS = re.compile(r"[\u0300-\u036f]")

_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s[^()]*)?\)|\[[^\[\]]*\])")
_STARS = re.compile(r"(\*{1,3}|~~|`+)(?=\S)(.+?)(?<=\S)\1")
_UNDERLINES = re.compile(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ESCAPED = re.compile(r"[\ue021-\ue07e]")
_PRIVATE = 0xE000

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}#{1,6}(\s|$)")
_UNDERLINE = re.compile(r"\s{0,3}(=+|-{2,}|\*{3,}|_{3,})\s*$")
_SETEXT = re.compile(r"\s{0,3}(=+|-{2,})\s*$")
_TABLE_RULE = re.compile(r"\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
# Bold words that open a list item say what it is about; alone they would be a sentence that says nothing.
_LEAD = re.compile(r"(\*\*|__)([^*_]+)\.\1\s+(?=\S)")
_QUOTE = re.compile(r"\s{0,3}>\s?")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[^\sa-z])|(?<=[.!?…][\"'”)\]])\s+(?=[^\sa-z])|(?<=[。！？])")  # noqa: RUF001


@dataclass(frozen=True)
class Sentence:
    """One sentence of an article as a person reads it; ``opens`` says that an excerpt may begin with it."""

    text: str
    terms: frozenset[str]
    opens: bool


def terms(text: str) -> list[str]:
    """Return the stemmed words of ``text`` in order, without case, accents and stop words.

    Japanese and Chinese are written without spaces, so a run of these scripts becomes pairs of neighbouring characters.
    """
    folded = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold())))
    found: list[str] = []
    for word in _WORD.findall(folded):
        if _UNSPACED.fullmatch(word):
            found.extend(word[at : at + 2] for at in range(len(word) - 1))
        elif len(word) > 1 and word not in STOP_WORDS:
            found.append(word)
    # A stemmer object must not be shared between threads, and making one costs less than a microsecond.
    return list(Stemmer.Stemmer("english").stemWords(found))


def plain(markdown: str) -> str:
    """Return one line or paragraph of Markdown without its marks; link texts stay, addresses behind them go."""
    # An escaped sign is no mark, so it waits at a code point of the private area until the marks are gone.
    text = _ESCAPE.sub(lambda sign: chr(_PRIVATE + ord(sign[1])), markdown)
    text = _TAG.sub(" ", _AUTOLINK.sub(r"\1", text))
    text = _LINK.sub(r"\1", text)
    for _ in range(2):  # Bold inside italics or the other way round needs a second look.
        text = _UNDERLINES.sub(r"\2", _STARS.sub(r"\2", text))
    text = _ESCAPED.sub(lambda sign: chr(ord(sign[0]) - _PRIVATE), text)
    return " ".join(text.split())


def first_heading(markdown: str) -> str:
    """Return the text of the first heading, marked with # or underlined; an empty string when there is none."""
    for line, below in pairwise([*_without_code(markdown), ""]):
        is_heading = _HEADING.match(line) or (line.strip() and not _UNDERLINE.match(line) and _SETEXT.match(below))
        if is_heading and (text := plain(line.strip().strip("#"))):
            return text
    return ""


def sentences(markdown: str) -> list[Sentence]:
    """Return the sentences of an article in order; headings and code blocks are left out."""
    found: list[Sentence] = []
    for block in _blocks(markdown):
        parts = _split(block)
        found.extend(
            Sentence(text=part, terms=frozenset(terms(part)), opens=number == 0 or len(block) > MAX_EXCERPT)
            for number, part in enumerate(parts)
        )
    return found


def excerpt(article: Sequence[Sentence], weights: Mapping[str, float]) -> str:
    """Return the run of whole sentences that covers most of the weighted query terms in ``MAX_EXCERPT`` characters.

    Of equally good runs the first one wins. Only a single sentence that is longer than the limit is cut, at a word.
    """
    best, best_weight = "", -1.0
    for start, sentence in enumerate(article):
        if not sentence.opens:
            continue
        window = _window(article, start)
        covered = frozenset[str]().union(*(part.terms for part in window))
        # Sorted, because the sum of floats depends on the order and an excerpt must not change between two starts.
        weight = sum(weights[term] for term in sorted(covered & weights.keys()))
        if weight > best_weight + 1e-9:
            best, best_weight = " ".join(part.text for part in window), weight
    return best if len(best) <= MAX_EXCERPT else best[: MAX_EXCERPT - 1].rsplit(" ", 1)[0] + "…"


def _split(block: str) -> list[str]:
    """Return the sentences of one block; a lead of a few words stays with the sentence that it introduces."""
    parts: list[str] = []
    for part in _SENTENCE_END.split(block):
        if parts and len(parts[-1]) < SHORT_LEAD:
            parts[-1] = f"{parts[-1]} {part}"
        elif part:
            parts.append(part)
    return parts


def _window(article: Sequence[Sentence], start: int) -> list[Sentence]:
    """Return as many sentences from ``start`` on as fit, without a last one that only announces what follows."""
    window = [article[start]]
    length = len(article[start].text)
    for sentence in article[start + 1 :]:
        length += 1 + len(sentence.text)
        if length > MAX_EXCERPT:
            break
        window.append(sentence)
    while len(window) > 1 and window[-1].text.endswith(":"):
        window.pop()
    return window


def _blocks(markdown: str) -> list[str]:
    """Return paragraphs, list items and table rows as plain text."""
    blocks: list[list[str]] = [[]]
    header: list[str] = []
    for raw in _without_code(_TAG.sub(" ", _AUTOLINK.sub(r"\1", markdown))):
        quote = _QUOTE.match(raw)
        line = raw[quote.end() :] if quote else raw
        if not line.strip() or _HEADING.match(line) or _UNDERLINE.match(line) or _TABLE_RULE.match(line):
            blocks.append([])
            header = header if _TABLE_RULE.match(line) else []
        elif line.lstrip().startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if header:
                blocks.extend([[", ".join(f"{name}: {cell}" for name, cell in zip(header, cells, strict=False))], []])
            else:
                header = cells
        elif item := _ITEM.match(line):
            blocks.append([_led(line[item.end() :])])
        else:
            blocks[-1].append(line)
    return [_closed(text) for lines in blocks if (text := plain(" ".join(lines)))]


def _led(item: str) -> str:
    """Return the text of a list item with a colon after the bold words that open it."""
    lead = _LEAD.match(item)
    return f"{lead[2]}: {item[lead.end() :]}" if lead else item


def _closed(text: str) -> str:
    """Return ``text`` with a full stop where a list item or a table row has none, to keep it apart from the next."""
    return text if text[-1] in ".!?:;…。！？" else text + "."  # noqa: RUF001


def _without_code(markdown: str) -> list[str]:
    """Return the lines that stand outside of fenced code blocks."""
    kept: list[str] = []
    fence = ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence:
            kept.append(line)
    return kept
