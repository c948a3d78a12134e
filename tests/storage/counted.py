"""What the measures of the dashboards must come to, counted in plain Python from the rows of a made-up history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.storage.made_up import UNTIL, MadeUp
from triage.domain.measures import Percentiles
from triage.domain.traces import MeasureFilter, TimeRange

RANGE = TimeRange(start=UNTIL - timedelta(days=20, hours=5), end=UNTIL - timedelta(days=1, hours=2))
TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
Row = dict[str, Any]


class World:
    """What counts in the range, by the written rules."""

    def __init__(self, history: MadeUp, chosen: MeasureFilter) -> None:
        self.history = history
        self.chosen = chosen
        self.called = {row["trace_id"] for row in history.calls if self._is_call(row)}
        self.used_model = {row["trace_id"] for row in history.calls if self._is_model(row)}
        self.runs = [run for run in history.runs if self._is_in(run["created_at"]) and self._is_run(run)]
        self.calls = [
            row for row in history.calls if self._is_in(row["started_at"]) and self._is_call(row) and self._is_of(row)
        ]

    def events(self, kind: str) -> list[Row]:
        found = [row for row in self.history.spans if row["kind"] == kind and self._is_in(row["started_at"])]
        if self.chosen.agents:
            found = [row for row in found if row["agent"] in self.chosen.agents]
        if self.chosen.models:
            found = [row for row in found if row["trace_id"] in self.used_model]
        return [row for row in found if self._is_of(row)]

    def _is_in(self, at: datetime) -> bool:
        return RANGE.start <= at < RANGE.end

    def _is_model(self, row: Row) -> bool:
        return not self.chosen.models or row["model"] in self.chosen.models

    def _is_call(self, row: Row) -> bool:
        return self._is_model(row) and (not self.chosen.agents or row["agent"] in self.chosen.agents)

    def _is_run(self, run: Row) -> bool:
        if (self.chosen.models or self.chosen.agents) and run["trace_id"] not in self.called:
            return False
        return self._is_of(run)

    def _is_of(self, row: Row) -> bool:
        run = self.history.run_of[row["trace_id"]]
        if self.chosen.categories and run["category"] not in self.chosen.categories:
            return False
        return not self.chosen.customer or run["customer_email"] == self.chosen.customer.strip().lower()


def day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def by(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def quantile(values: list[float], share: float) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def assert_percentiles(found: Percentiles, values: list[float]) -> None:
    assert found.count == len(values)
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        expected = quantile(values, share)
        assert getattr(found, name) == (None if expected is None else pytest.approx(expected)), name


def is_answered(call: Row) -> bool:
    return call["error"] is None or call["output_tokens"] is not None


def is_unpriced(call: Row) -> bool:
    return is_answered(call) and call["cost_usd"] is None


def spending(calls: list[Row]) -> Row:
    return {
        "calls": len(calls),
        "failed_calls": sum(not is_answered(call) for call in calls),
        "unpriced_calls": sum(is_unpriced(call) for call in calls),
        "cost_usd": sum((call["cost_usd"] or Decimal(0) for call in calls), Decimal(0)),
        **{name: sum(call[name] or 0 for call in calls) for name in TOKENS},
    }


def figures(value: Any, names: Iterable[str]) -> Row:
    return {name: getattr(value, name) for name in names}
