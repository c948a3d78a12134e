"""Figures as a CSV file: every field and every rate of the values behind a chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any


def to_csv(rows: Iterable[Any]) -> str:
    """Return dataclass values as CSV with a header, ready for a spreadsheet; values within are laid out flat."""
    records = [dict(_cells(row)) for row in rows]
    if not records:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(name for record in records for name in record)))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def _cells(row: Any, *, within: str = "") -> Iterator[tuple[str, Any]]:
    for name in [*(field.name for field in fields(row)), *_rates(type(row))]:
        value = getattr(row, name)
        if is_dataclass(value):
            yield from _cells(value, within=f"{within}{name}_")
        else:
            yield f"{within}{name}", _cell(value)


def _rates(kind: type) -> list[str]:
    """Return the names of what a value computes of its fields."""
    return sorted({name for base in kind.__mro__ for name, value in vars(base).items() if isinstance(value, property)})


def _cell(value: Any) -> Any:
    """Return a value as a spreadsheet takes it; a text that begins like a formula stays a text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
