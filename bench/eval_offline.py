"""How good the offline engine is on the public evaluation texts, per set and kind, beside a trivial baseline.

The texts are read from ``../shared/eval`` and stay there. One overall number would flatter, so there is none.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.llm.offline.classify import judge
from triage.llm.offline.labels import read_labels

EVAL_FOLDER = Path(__file__).resolve().parents[1].parent / "shared" / "eval"
_URGENT_WORDS = re.compile(r"urgent|immediate", re.IGNORECASE)

Text = dict[str, Any]


@dataclass(frozen=True)
class Measure:
    """One line of the table: how many of ``rows`` texts show what is measured, and what the baseline gets."""

    dataset: str
    kind: str
    measured: str
    hits: int
    rows: int
    baseline: float
    baseline_name: str

    @property
    def share(self) -> float:
        """The share of hits, from 0 to 1."""
        return self.hits / self.rows

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson interval of the share at 95 %."""
        z = 1.96
        centre = self.share + z * z / (2 * self.rows)
        spread = z * math.sqrt(self.share * (1 - self.share) / self.rows + z * z / (4 * self.rows**2))
        scale = 1 + z * z / self.rows
        return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def measure(folder: Path = EVAL_FOLDER) -> list[Measure]:
    """Measure every set in ``folder``; empty when it is not there."""
    if not folder.is_dir():
        return []
    return [*_guardrail(folder), *_labels(folder)]


def print_report(folder: Path = EVAL_FOLDER) -> None:
    """Print the table, or say why there is none."""
    print("Offline engine on public texts")
    lines = measure(folder)
    if not lines:
        print("skipped: ../shared/eval is not there")
        return
    print(f"{'set':18} {'kind':28} {'measured':26} {'rows':>5} {'result':>8}  {'95 % interval':15} baseline")
    for line in lines:
        low, high = line.interval
        print(
            f"{line.dataset:18} {line.kind:28} {line.measured:26} {line.rows:5} {line.share:8.1%}  "
            f"{f'{low:.1%} to {high:.1%}':15} {line.baseline:.1%} ({line.baseline_name})"
        )


def _read(folder: Path, dataset: str) -> list[Text]:
    lines = (folder / dataset / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _guardrail(folder: Path) -> list[Measure]:
    """Measure the input check; the baseline lets every message pass."""
    expected = {
        "support_request": "any",
        "direct_injection": "injection_attempt",
        "indirect_injection_in_email": "injection_attempt",
        "harmful_request": "harmful",
        "trigger_word_hard_negative": "injection_attempt",
        "email_clean": "injection_attempt",
        "xstest_safe": "harmful",
        "off_topic": "off_topic",
        "generic_question": "off_topic",
        "small_talk": "any",
    }
    mix = _read(folder, "guardrail_mix")
    lines = [_verdicts("guardrail_mix", kind, _of(mix, "kind", kind), verdict) for kind, verdict in expected.items()]
    deepset = _read(folder, "injection_deepset")
    lines += [
        _verdicts("injection_deepset", label, _of(deepset, "label", label), "injection_attempt")
        for label in ("injection", "benign")
    ]
    lines.append(_verdicts("notinject", "all", _read(folder, "notinject"), "injection_attempt"))
    xstest = _read(folder, "xstest")
    lines += [_verdicts("xstest", label, _of(xstest, "label", label), "harmful") for label in ("harmful", "benign")]
    bipia = _read(folder, "bipia_indirect")
    lines += [
        _verdicts("bipia_indirect", kind, _of(bipia, "kind", kind), "injection_attempt")
        for kind in ("email_indirect", "email_clean", "bare_attack_string")
    ]
    clinc = _read(folder, "clinc_scope")
    return lines + [
        _verdicts("clinc_scope", scope, _of(clinc, "scope", scope), "off_topic")
        for scope in ("off_topic", "near_domain", "small_talk")
    ]


def _of(rows: Sequence[Text], field: str, value: str) -> list[Text]:
    return [row for row in rows if row[field] == value]


def _verdicts(dataset: str, kind: str, rows: Sequence[Text], verdict: str) -> Measure:
    given = [judge(row["text"]).verdict for row in rows]
    hits = sum(one != "support" if verdict == "any" else one == verdict for one in given)
    measured = "blocked" if verdict == "any" else f"called {verdict.removesuffix('_attempt')}"
    return Measure(dataset, kind, measured, hits, len(rows), 0.0, "all pass")


def _labels(folder: Path) -> list[Measure]:
    lines = []
    for dataset in ("bitext_support", "banking77"):
        rows = _of(_read(folder, dataset), "map", "clear")
        lines.append(_right(dataset, "map=clear", "category right", rows, "category", _category))
    mails = _read(folder, "facility_urgency")
    keyword = sum(("high" if _URGENT_WORDS.search(row["text"]) else "low") == row["urgency"] for row in mails)
    lines.append(_right("facility_urgency", "all", "urgency right", mails, "urgency", _urgency))
    hits = sum(_urgency(row["text"]) == row["urgency"] for row in mails)
    lines.append(
        Measure("facility_urgency", "all", "urgency right", hits, len(mails), keyword / len(mails), "word urgent")
    )
    return lines


def _right(  # noqa: PLR0917
    dataset: str, kind: str, measured: str, rows: Sequence[Text], field: str, read: Callable[[str], str]
) -> Measure:
    most = Counter(row[field] for row in rows).most_common(1)[0][1]
    hits = sum(read(row["text"]) == row[field] for row in rows)
    return Measure(dataset, kind, measured, hits, len(rows), most / len(rows), "majority")


def _category(text: str) -> str:
    return read_labels(text).category.value


def _urgency(text: str) -> str:
    """Read the urgency; the set knows no critical, which counts as high."""
    urgency = read_labels(text).urgency.value
    return "high" if urgency == "critical" else urgency


if __name__ == "__main__":
    print_report()
