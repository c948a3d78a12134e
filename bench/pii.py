"""How much of what redaction should find it finds: recall and precision per kind, and the time it takes.

The texts are read from ``../shared/eval`` and stay there; without that folder only the time is measured. On the first
set the rules were mended; the others were made for something else, and no rule was mended on them.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.eval_offline import EVAL_FOLDER
from bench.figures import Figure
from triage.redaction.redact import Found, find_personal, redact_text

# What the set calls what redaction calls otherwise; its other types (names, places, dates) are not ours to find.
KINDS = {
    "EMAIL_ADDRESS": "e-mail",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "national id",
    "IP_ADDRESS": "ip",
}
AIMS = (95.0, 95.0)
"""Percent of recall and of precision, on the texts on which the rules were mended."""
AIM_US_PER_KB = 100.0
UNSEEN = (
    "banking77",
    "bipia_indirect",
    "bitext_support",
    "clinc_scope",
    "facility_urgency",
    "guardrail_mix",
    "injection_deepset",
    "notinject",
    "xstest",
)
# All that is personal in those: somebody looked at each @, each address of a machine, each run of six digits and more,
# and each word for a secret or an account. Among them is no card, phone number, account or national id, and no secret.
_THERE = {
    "e-mail": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "ip": re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
}
_CLEAN = "The invoice of order ORD-20481 over $1,234.56 was not generated on 2026-03-04; see article find-invoices. "
_MIXED = "Write to kim@example.org or call +44 20 7946 0958 about card 4111 1111 1111 1111. "
_REPEATS = 200


class _Place(NamedTuple):
    """Where something personal of a kind stands in a text."""

    kind: str
    start: int
    end: int

    @classmethod
    def of(cls, span: Mapping[str, Any]) -> _Place:
        """Read it as the set has it."""
        return cls(KINDS[span["type"]], span["start"], span["end"])


@dataclass(frozen=True)
class Score:
    """What was found of one kind: ``hits`` of ``wanted``, and ``right`` of ``found``."""

    kind: str
    hits: int
    wanted: int
    right: int
    found: int


def scores(folder: Path = EVAL_FOLDER) -> list[Score]:
    """Score every kind that the set has, in its order there; empty without the set."""
    path = folder / "pii_presidio" / "dev.jsonl"
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = _scored((row["text"], [_Place.of(span) for span in row["spans"] if span["type"] in KINDS]) for row in rows)
    return [found[kind] for kind in KINDS.values() if kind in found]


def unseen_scores(folder: Path = EVAL_FOLDER) -> tuple[int, list[Score]]:
    """Return how many texts there are on which no rule was mended, each once, and the score of every kind in them."""
    paths = [path for name in UNSEEN if (path := folder / name / "dev.jsonl").exists()]
    texts = {json.loads(line)["text"] for path in paths for line in path.read_text(encoding="utf-8").splitlines()}
    found = _scored(
        (text, [_Place(kind, *match.span()) for kind, look in _THERE.items() for match in look.finditer(text)])
        for text in texts
    )
    return len(texts), [found[kind] for kind in sorted(found)]


def _scored(texts: Iterable[tuple[str, list[_Place]]]) -> dict[str, Score]:
    """Return the score of every kind that stands in a text, or was found in one, by texts and what stands in them."""
    hits, wanted, right, found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for text, there in texts:
        places = find_personal(text)
        for one in there:
            wanted[one.kind] += 1
            hits[one.kind] += any(_covers(place, one) for place in places)
        for place in places:
            found[place.kind] += 1
            right[place.kind] += any(_touches(place, one) for one in there)
    return {kind: Score(kind, hits[kind], wanted[kind], right[kind], found[kind]) for kind in wanted | found}


def measure(folder: Path = EVAL_FOLDER) -> list[Figure]:
    """Return recall and precision of each kind, in percent, and the microseconds per kB of text."""
    texts, unseen = unseen_scores(folder)
    return [
        *(figure for score in scores(folder) for figure in _shares(score, "mended on", aims=AIMS)),
        *([Figure("texts not mended on", texts, "")] if texts else []),
        *(figure for score in unseen for figure in _shares(score, "not mended on")),
        Figure("time, nothing to find", _us_per_kb(_CLEAN * 20), "us per kB", AIM_US_PER_KB),
        Figure("time, something in every sentence", _us_per_kb((_MIXED + _CLEAN) * 10), "us per kB"),
    ]


def _shares(score: Score, texts: str, *, aims: tuple[float, float] | None = None) -> list[Figure]:
    """Return recall and precision, as far as there is anything to divide by."""
    recall, precision = aims or (None, None)
    return [
        Figure(
            f"{score.kind}: {name}, texts {texts}",
            100 * part / whole,
            "%",
            aim,
            at_least=True,
            note=f"{part} of {whole}",
        )
        for name, part, whole, aim in (
            ("recall", score.hits, score.wanted, recall),
            ("precision", score.right, score.found, precision),
        )
        if whole
    ]


def _covers(place: Found, there: _Place) -> bool:
    """Whether a whole place is hidden under its own kind."""
    return place.kind == there.kind and place.start <= there.start and place.end >= there.end


def _touches(place: Found, there: _Place) -> bool:
    return place.kind == there.kind and place.start < there.end and place.end > there.start


def _us_per_kb(text: str) -> float:
    """Return the median time for texts of which none was seen before."""
    times = []
    for number in range(_REPEATS):
        fresh = f"{number} {text}"
        started = time.thread_time()
        redact_text(fresh)
        times.append(time.thread_time() - started)
    return statistics.median(times) * 1e6 / (len(text.encode()) / 1000)
