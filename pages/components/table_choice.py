"""Which row of a table was chosen: a click anywhere in it counts, and so do the arrow keys.

Selecting cells instead of rows needs no column of boxes and leaves one thing selected, never a row beside a cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SELECTION: Final = "single-cell"
"""What ``st.dataframe`` lets a person select."""


def chosen_row(state: Mapping[str, Any]) -> int | None:
    """Return the row of the selected cell, or None."""
    cells = state["selection"]["cells"]
    return int(cells[0][0]) if cells else None


def chosen_at_first(row: int | None, *, column: str) -> dict[str, Any]:
    """Return the selection that a table starts with."""
    return {"selection": {"cells": [] if row is None else [(row, column)]}}
