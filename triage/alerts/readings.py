"""Reads the measures of rules from the trace store, for now and for the past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from triage.alerts.rules import judge
from triage.domain import AlertMeasure, AlertRule, AlertState, PastPoint, Reading
from triage.domain.traces import MeasureFilter, TimeRange
from triage.errors import DataFolderError, TriageError
from triage.gateway import TraceQueries

TREND_WINDOWS = 4
MOST_POINTS = 120
_HOUR = timedelta(hours=1)
_STEPS = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24))

log = structlog.get_logger(__name__)


class _Part(NamedTuple):
    """A value of one window, and over how many things."""

    value: float | None
    things: int
    unpriced_calls: int = 0


class RuleReader:
    """Reads what rules look at; it remembers each window, so a trial on the past asks for none twice."""

    def __init__(self, traces: TraceQueries) -> None:
        self._traces = traces
        self._known: dict[tuple[datetime, datetime], _Part] = {}

    def read(self, rule: AlertRule, *, at: datetime) -> Reading:
        """Return the measure of the window that ends at ``at``.

        Raises:
            DataFolderError: the trace store cannot be read.
        """
        self._known.clear()
        with _reading():
            return self._reading(rule, at)

    def past(self, rule: AlertRule, *, start: datetime, end: datetime) -> list[PastPoint]:
        """Return what the rule would have said from ``start`` to ``end``, at most ``MOST_POINTS`` times, oldest first.

        Runs are as they are today: a reading of the past knows how those ended that were still at work then.

        Raises:
            DataFolderError: the trace store cannot be read.
        """
        self._known.clear()
        points: list[PastPoint] = []
        told = AlertState.OK
        with _reading():
            for at in moments(start, end):
                reading = self._reading(rule, at)
                state = judge(rule, reading, before=told)
                told = told if state is AlertState.NO_DATA else state
                points.append(PastPoint(at=at, reading=reading, state=state))
        return points

    def _reading(self, rule: AlertRule, at: datetime) -> Reading:
        window = timedelta(hours=rule.window_hours)
        now = self._part(rule, at - window, at)
        if rule.measure is AlertMeasure.TURNS_GROWTH:
            before = self._part(rule, at - 2 * window, at - window)
            return Reading(value=growth(now.value, [before.value]), count=min(now.things, before.things))
        if rule.measure is AlertMeasure.COST_TREND:
            earlier = [self._part(rule, at - (n + 1) * window, at - n * window) for n in range(1, TREND_WINDOWS + 1)]
            judged = [part.value for part in earlier if part.things >= rule.least]
            return Reading(value=growth(now.value, judged), count=now.things, unpriced_calls=now.unpriced_calls)
        return Reading(value=now.value, count=now.things)

    def _part(self, rule: AlertRule, start: datetime, end: datetime) -> _Part:
        if (start, end) not in self._known:
            chosen = MeasureFilter(models=rule.models, agents=rule.agents, categories=rule.categories)
            self._known[start, end] = self._ask(rule.measure, TimeRange(start=start, end=end), chosen)
        return self._known[start, end]

    def _ask(self, measure: AlertMeasure, time_range: TimeRange, chosen: MeasureFilter) -> _Part:
        traces = self._traces
        if measure is AlertMeasure.TRIP_RATE:
            totals = traces.runs.totals(time_range, chosen)
            return _Part(totals.trip_rate, totals.runs)
        if measure is AlertMeasure.HANDOFF_SUCCESS:
            outcomes = traces.handoffs.totals(time_range, chosen)
            return _Part(outcomes.success_rate, outcomes.handoffs - outcomes.waiting)
        if measure is AlertMeasure.COMPLETION_P95:
            times = traces.times.totals(time_range, chosen).completion
            return _Part(None if times.p95_ms is None else times.p95_ms / 1000, times.count)
        if measure is AlertMeasure.COST_TREND:
            runs = traces.runs.totals(time_range, chosen).runs
            spent = traces.costs.total(time_range, chosen)
            return _Part(float(spent.cost_usd) / runs if runs else None, runs, spent.unpriced_calls)
        turns = traces.runs.conversation_turns(time_range, chosen)
        return _Part(turns.p95, turns.conversations)


def growth(now: float | None, before: list[float | None]) -> float | None:
    """Return by what share ``now`` is above the mean of what was before, None without anything to compare with."""
    known = [value for value in before if value is not None]
    mean = sum(known) / len(known) if known else 0.0
    return None if now is None or mean <= 0 else now / mean - 1


def moments(start: datetime, end: datetime) -> list[datetime]:
    """Return the times at which a rule is tried, ending with ``end``: an hour apart, or so that they are few enough."""
    step = next((step for step in _STEPS if (end - start) / step <= MOST_POINTS), _STEPS[-1])
    count = max(0, (end - start) // step)
    return [end - step * number for number in range(count, -1, -1)]


@contextmanager
def _reading() -> Iterator[None]:
    """Make whatever the store does not answer a sentence of ours."""
    try:
        yield
    except TriageError:
        raise
    except Exception as error:
        log.warning("alerts_not_read", error=type(error).__name__)
        raise DataFolderError("The trace store cannot be read now; try again in a moment.") from error
