"""The audit log as a file: JSONL with every field, or CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from triage.domain import AuditEntry

Format = Literal["jsonl", "csv"]
COLUMNS = (
    "seq", "at", "actor", "role", "action", "subject_kind", "subject_id", "before", "after", "previous_hash", "hash"
)  # fmt: skip
# A spreadsheet takes a cell that begins like this for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def written(entries: Iterable[AuditEntry], form: Format) -> Iterator[str]:
    """Yield the file piece by piece."""
    if form == "csv":
        yield _csv_row(COLUMNS)
        for entry in entries:
            yield _csv_row([_cell(value) for value in _values(entry).values()])
    else:
        for entry in entries:
            yield json.dumps(_values(entry), ensure_ascii=True) + "\n"


def _values(entry: AuditEntry) -> dict[str, Any]:
    # The time is spelled as it was hashed, so that a file can be checked without this program.
    dumped = {**entry.model_dump(mode="json"), "at": entry.at.isoformat()}
    return {name: dumped[name] for name in COLUMNS}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_row(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
