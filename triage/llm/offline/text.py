"""Reading a text: sentences, word stems, language, and phrases looked up in a lexicon.

Only the beginning and the end of a long text are looked at, so that the time for a message has a ceiling.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import Stemmer

_HEAD, _TAIL = 6_000, 2_000
_LEXICON = Path(__file__).with_name("lexicon")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+|[\r\n|]+")
_WEIGHTS = {"strong": 3.0, "some": 2.0, "weak": 1.0}


def load_table(name: str) -> dict[str, Any]:
    """Return the table ``lexicon/<name>.toml``."""
    return tomllib.loads((_LEXICON / f"{name}.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the English stem of a lower-case word."""
    return str(Stemmer.Stemmer("english").stemWord(word))


def _words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("\u2019", "'"))


_GLOSSARY: Mapping[str, str] = {
    word: english
    for english, words in load_table("glossary")["words"].items()
    for word in words.replace(",", " ").split()
}
_FUNCTION_WORDS = {
    language: frozenset(words.split()) for language, words in load_table("glossary")["languages"].items()
}


def english_words(words: Iterable[str]) -> list[str]:
    """Return the words with those of the glossary put into English."""
    return [part for word in words for part in _GLOSSARY.get(word, word).split("_")]


def _stems_of(words: Iterable[str]) -> list[str]:
    return [stem(word) for word in english_words(words)]


class Text:
    """A message as the rules see it; the parts are worked out when they are asked for."""

    def __init__(self, raw: str) -> None:
        shown = raw if len(raw) <= _HEAD + _TAIL else f"{raw[:_HEAD]}\n{raw[-_TAIL:]}"
        self.shown = shown.replace("\u2019", "'")

    @cached_property
    def lower(self) -> str:
        """The text in lower case with every run of white space as one blank or line break."""
        return re.sub(r"[^\S\n]+", " ", self.shown.lower())

    @cached_property
    def words(self) -> list[str]:
        """The words in lower case."""
        return _words_of(self.shown)

    @cached_property
    def stems(self) -> list[str]:
        """The word stems, with German, French and Spanish support words put into English."""
        return _stems_of(self.words)

    @cached_property
    def stem_set(self) -> frozenset[str]:
        """The distinct word stems."""
        return frozenset(self.stems)

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences and lines, as written."""
        return [piece.strip() for piece in _SENTENCE_END.split(self.shown) if piece.strip()]

    @cached_property
    def language(self) -> str:
        """The likely language: ``en``, ``de``, ``fr`` or ``es``; English when nothing speaks clearly for another."""
        present = set(self.words)
        counts = {language: len(present & words) for language, words in _FUNCTION_WORDS.items()}
        best = max(counts, key=lambda language: counts[language])
        return best if counts[best] >= 2 and counts[best] > 1.5 * counts["en"] else "en"  # noqa: PLR2004


@dataclass(frozen=True)
class Hit:
    """A phrase of the lexicon that a text contains."""

    label: str
    phrase: str
    weight: float


Entry = tuple[tuple[str, ...], Hit]


class Lexicon:
    """Phrases with labels and weights; finds the longest phrase at each place of a text, each phrase once."""

    def __init__(self, table: Mapping[str, Mapping[str, str]]) -> None:
        self._by_first: dict[str, list[Entry]] = {}
        for label, groups in table.items():
            for strength, phrases in groups.items():
                self._add(label, _WEIGHTS[strength], phrases)
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def _add(self, label: str, weight: float, phrases: str) -> None:
        for phrase in phrases.replace("\n", ",").split(","):
            if key := tuple(stem(word) for word in _words_of(phrase)):
                self._by_first.setdefault(key[0], []).append((key, Hit(label, phrase.strip(), weight)))

    def hits(self, text: Text) -> list[Hit]:
        """Return the phrases of ``text``."""
        stems = text.stems
        found: dict[tuple[str, tuple[str, ...]], Hit] = {}
        skip_until = 0
        for position, word in enumerate(stems):
            entries = self._by_first.get(word)
            if entries is None or position < skip_until:
                continue
            for key, hit in self._longest(entries, stems, position):
                found[hit.label, key] = hit
                skip_until = position + len(key)
        return list(found.values())

    def scores(self, text: Text) -> dict[str, float]:
        """Return the summed weights by label."""
        totals: dict[str, float] = {}
        for hit in self.hits(text):
            totals[hit.label] = totals.get(hit.label, 0.0) + hit.weight
        return totals

    @staticmethod
    def _longest(entries: list[Entry], stems: list[str], position: int) -> list[Entry]:
        """Return the entries that stand at ``position``, of those the longest; entries come longest first."""
        matches: list[Entry] = []
        for entry in entries:
            length = len(entry[0])
            if matches and length < len(matches[0][0]):
                break
            if length == 1 or tuple(stems[position : position + length]) == entry[0]:
                matches.append(entry)
        return matches
