"""When the spans of a trace worked, with the time in which everybody waited for a person cut out of the axis."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_SHORTEST_WAIT = timedelta(milliseconds=250)
"""Between two segments less than this is the queue, not a person."""


@dataclass(frozen=True)
class Wait:
    """A pause for a person: where on the axis of work it lies, and how long it took."""

    at_ms: float
    waited_ms: float
    started_at: datetime


@dataclass(frozen=True)
class Timeline:
    """The starts of the spans on the axis of work, in the order of the spans, and the pauses; all in milliseconds."""

    starts_ms: tuple[float, ...]
    lengths_ms: tuple[float, ...]
    waits: tuple[Wait, ...]
    total_ms: float


def lay_out(spans: Sequence[Any]) -> Timeline:
    """Put the spans on the axis of work.

    A segment of a run ends where the run stops for a decision and the next one begins after it, so what lies between
    two segments is the wait. A span that reaches over a wait is shortened by it.
    """
    if not spans:
        return Timeline((), (), (), 0.0)
    origin = min(span.started_at for span in spans)
    gaps = _gaps(spans)
    waits = []
    cut = timedelta()
    for start, end in gaps:
        waits.append(Wait(_ms(start - origin - cut), _ms(end - start), start))
        cut += end - start
    starts = [_worked(span.started_at, origin=origin, gaps=gaps) for span in spans]
    ends = [_worked(span.ended_at, origin=origin, gaps=gaps) for span in spans]
    lengths = tuple(max(0.0, end - start) for start, end in zip(starts, ends, strict=True))
    return Timeline(tuple(starts), lengths, tuple(waits), max(ends))


def _gaps(spans: Sequence[Any]) -> list[tuple[datetime, datetime]]:
    """Return the pauses between the segments, first to last."""
    bounds: dict[int, tuple[datetime, datetime]] = {}
    for span in spans:
        if span.segment is None:
            continue
        start, end = bounds.get(span.segment, (span.started_at, span.ended_at))
        bounds[span.segment] = (min(start, span.started_at), max(end, span.ended_at))
    ordered = [bounds[segment] for segment in sorted(bounds)]
    pairs = ((before[1], after[0]) for before, after in itertools.pairwise(ordered))
    return [(start, end) for start, end in pairs if end - start >= _SHORTEST_WAIT]


def _worked(at: datetime, *, origin: datetime, gaps: Sequence[tuple[datetime, datetime]]) -> float:
    """Return the milliseconds of work between the origin and a time."""
    waited = sum((min(at, end) - start for start, end in gaps if at > start), timedelta())
    return _ms(at - origin - waited)


def _ms(length: timedelta) -> float:
    return length.total_seconds() * 1000
