"""Where in the large tables the rows of a trace are.

Part numbers grow with time, so the tables are nearly in their order, and DuckDB skips every block whose least and
greatest number say that it cannot have the part.
"""

from __future__ import annotations

from collections.abc import Iterable

from storage.traces.parts import trace_key
from storage.traces.store import TraceStore


def parts_of(store: TraceStore, trace_id: str) -> list[int]:
    """Return the numbers of the parts that have spans of a trace."""
    found = store.rows(
        "select part_no from parts where trace_key = $key and trace_id = $trace_id and span_count > 0",
        {"key": trace_key(trace_id), "trace_id": trace_id},
    )
    return sorted(number for (number,) in found)


def one_of_parts(numbers: Iterable[int]) -> str:
    """Return the SQL condition that a row is of one of the parts; the numbers are ours, therefore not parameters."""
    found = sorted({int(number) for number in numbers})
    return f"part_no in ({', '.join(map(str, found))})" if found else "false"
