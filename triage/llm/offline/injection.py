"""Signs that a text talks to the machine instead of the support team: overriding, extracting, impersonating."""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.llm.offline.text import Text, load_table

_ENOUGH = 1.0


@dataclass(frozen=True)
class Rule:
    """One sign; ``needs`` are pieces of which a text must contain one before the pattern is tried."""

    says: str
    weight: float
    needs: tuple[str, ...]
    pattern: re.Pattern[str]

    def is_in(self, text: str) -> bool:
        """Whether a lower-case text shows the sign."""
        return any(piece in text for piece in self.needs) and self.pattern.search(text) is not None


RULES = tuple(
    Rule(
        says=row["says"],
        weight=float(row["weight"]),
        needs=tuple(row["needs"].split("|")),
        pattern=re.compile(row["pattern"], re.MULTILINE),
    )
    for row in load_table("injection")["rule"]
)


def injection_evidence(text: Text) -> str:
    """Return what the message does to the instructions, or an empty string when there is too little to say so."""
    found = [rule for rule in RULES if rule.is_in(text.lower)]
    if sum(rule.weight for rule in found) < _ENOUGH:
        return ""
    return max(found, key=lambda rule: rule.weight).says
