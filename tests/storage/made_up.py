"""A made-up history of a few thousand runs as plain rows, and the same brought into a store as spool lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bench.history import Plan, generate
from storage.traces.store import TraceStore

UNTIL = datetime(2026, 4, 1, tzinfo=UTC)


class MadeUp:
    """The rows as they were generated; the tests compute from them in plain Python what the store computes in SQL."""

    def __init__(self, *, runs: int, seed: int = 7) -> None:
        parts = list(generate(Plan(runs=runs, seed=seed, until=UNTIL)))
        self.runs = [_aware(row) for part in parts for row in part.runs.to_pylist()]
        self.spans = [_aware(row) for part in parts for row in part.spans.to_pylist()]
        self.calls = [row for row in self.spans if row["kind"] == "model"]
        self.run_of = {row["trace_id"]: row for row in self.runs}

    def write(self, store: TraceStore, *, batch: int = 4_000) -> None:
        """Bring all of it in, and a part of the spans a second time, as after a kill."""
        for number, start in enumerate(range(0, len(self.spans), batch)):
            spans = self.spans[start : start + batch]
            again = [{**span, "is_replay": True} for span in self.spans[max(0, start - 50) : start + 50]]
            lines = [_line(span) for span in spans + [span for span in again if span["kind"] != "model"]]
            store.insert_batch(span_lines=lines, price=_nothing_to_price, segment="s", offset=number)
        early = [{**run, "status": "running", "updated_at": run["created_at"]} for run in self.runs]
        late = [{**run, "updated_at": run["updated_at"] + timedelta(seconds=1)} for run in self.runs]
        for rows in (early, late):
            store.insert_batch(runs=rows, price=_nothing_to_price, segment="s", offset=1)


def _aware(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in row.items()}


def _line(span: dict[str, Any]) -> bytes:
    left_out = ("duration_ms", "content_bytes")
    row = {name: value for name, value in span.items() if value is not None and name not in left_out}
    if span["kind"] == "model":
        row["is_priced"] = True
    return orjson.dumps({"type": "span", **row}, default=str, option=orjson.OPT_APPEND_NEWLINE)


def _nothing_to_price(calls: list[dict[str, Any]]) -> None:
    raise AssertionError(f"{len(calls)} calls came without their price.")
