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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    hits, wanted, right, found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        spans = [span for span in row["spans"] if span["type"] in KINDS]
        places = find_personal(row["text"])
        for span in spans:
            wanted[KINDS[span["type"]]] += 1
            hits[KINDS[span["type"]]] += any(_covers(place, span, kind=KINDS[span["type"]]) for place in places)
        for place in places:
            found[place.kind] += 1
            right[place.kind] += any(_touches(place, span, kind=KINDS[span["type"]]) for span in spans)
    kinds = [kind for kind in KINDS.values() if wanted[kind] or found[kind]]
    return [Score(kind, hits[kind], wanted[kind], right[kind], found[kind]) for kind in kinds]


def unseen_scores(folder: Path = EVAL_FOLDER) -> tuple[int, list[Score]]:
    """Return how many texts there are on which no rule was mended, each once, and the score of every kind in them."""
    paths = [path for name in UNSEEN if (path := folder / name / "dev.jsonl").exists()]
    texts = {json.loads(line)["text"] for path in paths for line in path.read_text(encoding="utf-8").splitlines()}
    hits, wanted, right, found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for text in texts:
        places = find_personal(text)
        spans = [
            {"type": kind, "start": match.start(), "end": match.end()}
            for kind, look in _THERE.items()
            for match in look.finditer(text)
        ]
        for span in spans:
            wanted[span["type"]] += 1
            hits[span["type"]] += any(_covers(place, span, kind=span["type"]) for place in places)
        for place in places:
            found[place.kind] += 1
            right[place.kind] += any(_touches(place, span, kind=span["type"]) for span in spans)
    kinds = sorted({*wanted, *found})
    return len(texts), [Score(kind, hits[kind], wanted[kind], right[kind], found[kind]) for kind in kinds]


def measure(folder: Path = EVAL_FOLDER) -> list[Figure]:
    """Return recall and precision of each kind, in percent, and the microseconds per kB of text."""
    texts, unseen = unseen_scores(folder)
    return [
        *(figure for score in scores(folder) for figure in _shares(score, "mended on")),
        *([Figure("texts not mended on", texts, "")] if texts else []),
        *(figure for score in unseen for figure in _shares(score, "not mended on")),
        Figure("time, nothing to find", _us_per_kb(_CLEAN * 20), "us per kB"),
        Figure("time, something in every sentence", _us_per_kb((_MIXED + _CLEAN) * 10), "us per kB"),
    ]


def _shares(score: Score, texts: str) -> list[Figure]:
    """Return recall and precision, as far as there is anything to divide by."""
    return [
        Figure(f"{score.kind}: {name}, texts {texts}", 100 * part / whole, "%", note=f"{part} of {whole}")
        for name, part, whole in (("recall", score.hits, score.wanted), ("precision", score.right, score.found))
        if whole
    ]


def _covers(place: Found, span: dict[str, Any], *, kind: str) -> bool:
    """Whether a whole span is hidden under its own kind."""
    return place.kind == kind and place.start <= span["start"] and place.end >= span["end"]


def _touches(place: Found, span: dict[str, Any], *, kind: str) -> bool:
    return place.kind == kind and place.start < span["end"] and place.end > span["start"]


def _us_per_kb(text: str) -> float:
    """Return the median time for texts of which none was seen before."""
    times = []
    for number in range(_REPEATS):
        fresh = f"{number} {text}"
        started = time.thread_time()
        redact_text(fresh)
        times.append(time.thread_time() - started)
    return statistics.median(times) * 1e6 / (len(text.encode()) / 1000)
