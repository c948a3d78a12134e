"""Signs that a text talks to the machine instead of the support team: overriding, extracting, impersonating."""

from __future__ import annotations

import re

from triage.llm.offline.text import Text, load_table

_TABLE = load_table("injection")
_RULES = [
    (rule["says"], float(rule["weight"]), re.compile(rule["pattern"], re.IGNORECASE | re.MULTILINE))
    for rule in _TABLE["rule"]
]
_ENOUGH = 1.0


def injection_evidence(text: Text) -> str:
    """Return what the message does to the instructions, or an empty string when there is too little to say so."""
    found = [(says, weight) for says, weight, pattern in _RULES if pattern.search(text.lower)]
    if sum(weight for _, weight in found) < _ENOUGH:
        return ""
    return max(found, key=lambda entry: entry[1])[0]
