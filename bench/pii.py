"""How much of what redaction should find it finds: recall and precision per kind, and the time it takes.

The texts are read from ``../shared/eval`` and stay there; without that folder only the time is measured.
"""

from __future__ import annotations

import json
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
AIM_RECALL = 95.0
AIM_PRECISION = 95.0
AIM_US_PER_KB = 100.0
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
            hits[KINDS[span["type"]]] += any(_covers(place, span) for place in places)
        for place in places:
            found[place.kind] += 1
            right[place.kind] += any(_touches(place, span) for span in spans)
    kinds = [kind for kind in KINDS.values() if wanted[kind] or found[kind]]
    return [Score(kind, hits[kind], wanted[kind], right[kind], found[kind]) for kind in kinds]


def measure(folder: Path = EVAL_FOLDER) -> list[Figure]:
    """Return recall and precision of each kind, in percent, and the microseconds per kB of text."""
    figures = []
    for score in scores(folder):
        if score.wanted:
            share, note = 100 * score.hits / score.wanted, f"{score.hits} of {score.wanted}"
            figures.append(Figure(f"{score.kind}: recall", share, "%", AIM_RECALL, at_least=True, note=note))
        if score.found:
            share, note = 100 * score.right / score.found, f"{score.right} of {score.found}"
            figures.append(Figure(f"{score.kind}: precision", share, "%", AIM_PRECISION, at_least=True, note=note))
    return [
        *figures,
        Figure("time, nothing to find", _us_per_kb(_CLEAN * 20), "us per kB", AIM_US_PER_KB),
        Figure("time, something in every sentence", _us_per_kb((_MIXED + _CLEAN) * 10), "us per kB"),
    ]


def _covers(place: Found, span: dict[str, Any]) -> bool:
    """Whether a whole span is hidden under its own kind."""
    return place.kind == KINDS[span["type"]] and place.start <= span["start"] and place.end >= span["end"]


def _touches(place: Found, span: dict[str, Any]) -> bool:
    return place.kind == KINDS[span["type"]] and place.start < span["end"] and place.end > span["start"]


def _us_per_kb(text: str) -> float:
    """Return the median time for texts of which none was seen before."""
    times = []
    for number in range(_REPEATS):
        fresh = f"{number} {text}"
        started = time.thread_time()
        redact_text(fresh)
        times.append(time.thread_time() - started)
    return statistics.median(times) * 1e6 / (len(text.encode()) / 1000)
