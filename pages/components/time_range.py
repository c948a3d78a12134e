"""The time range of a page, which lives in the address: one of a few up to now, or from and to of one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from triage.domain import utc_now
from triage.domain.traces import TimeRange

RANGES = {
    "1 h": timedelta(hours=1),
    "24 h": timedelta(hours=24),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
    "90 d": timedelta(days=90),
}
CUSTOM = "Custom"
USUAL = "7 d"
LONGEST = timedelta(days=400)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_FRESH_S = 30
_TIME = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d(?:T|, )\d\d:\d\d(?::\d\d)?)")


@dataclass(frozen=True)
class ChosenRange:
    """A time range, its name in the address, how a sentence names it, and the width of its bars.

    ``problem`` says what is wrong with the chosen from and to; the range is the usual one then.
    """

    name: str
    words: str
    time_range: TimeRange
    step: timedelta
    problem: str | None = None

    @property
    def unit(self) -> str:
        """What one bar stands for: "5 minutes", "hour", "day" or "week"."""
        if self.step < _HOUR:
            return f"{self.step // timedelta(minutes=1)} minutes"
        return "hour" if self.step < _DAY else "day" if self.step == _DAY else "week"

    @property
    def before(self) -> str:
        """How a sentence names the period that it is compared with."""
        return f"the {self.name} before" if self.name in RANGES else "the time of the same length before"

    def until_now(self) -> ChosenRange:
        """Return the same range as it is at this moment."""
        return recent(self.name, now=utc_now()) if self.name in RANGES and self.problem is None else self


def recent(name: str, *, now: datetime) -> ChosenRange:
    """Return the range of that name up to now; its end is the next half minute, so that a short while asks alike."""
    seconds = -(-now.timestamp() // _FRESH_S) * _FRESH_S
    until = datetime.fromtimestamp(seconds, tz=UTC)
    time_range = TimeRange.last(RANGES[name], until=until)
    return ChosenRange(name, f"the last {name}", time_range, step_of(RANGES[name]))


def between(start: datetime | None, end: datetime | None, *, now: datetime) -> ChosenRange:
    """Return the range between two times in UTC without a zone; the usual one and a sentence where they are wrong."""
    problem = _problem(start, end)
    if problem is not None or start is None or end is None:
        usual = recent(USUAL, now=now)
        return ChosenRange(usual.name, usual.words, usual.time_range, usual.step, f"{problem} {USUAL} is shown.")
    time_range = TimeRange(start=start.replace(tzinfo=UTC), end=end.replace(tzinfo=UTC))
    words = f"{start.day} {start:%b %Y %H:%M} to {end.day} {end:%b %Y %H:%M} UTC"
    return ChosenRange(CUSTOM, words, time_range, step_of(end - start))


def step_of(length: timedelta) -> timedelta:
    """Return the width of the bars of a range, so that there are some ten to a hundred of them."""
    if length <= 2 * _HOUR:
        return timedelta(minutes=5)
    if length <= 3 * _DAY:
        return _HOUR
    return _DAY if length <= timedelta(days=100) else 7 * _DAY


def time_range_control(*, usual: ChosenRange | None = None) -> ChosenRange:
    """Ask for the time range; ``range``, ``from`` and ``to`` in the address, without them the ``usual`` one."""
    name = st.segmented_control(
        "Time range", [*RANGES, CUSTOM], default=usual.name if usual else USUAL, required=True, key="range",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    now = utc_now()
    if name != CUSTOM:
        return recent(name if name in RANGES else USUAL, now=now)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = midnight - 7 * _DAY, midnight + _DAY
    if usual is not None and usual.name == CUSTOM:
        first, last = usual.time_range.start, usual.time_range.end
    with st.popover("From and to", icon=":material/date_range:"):
        start, end = (
            st.datetime_input(label, at.replace(tzinfo=None), key=key, bind="query-params", step=300)
            for label, at, key in (("From (UTC)", first, "from"), ("To (UTC)", last, "to"))
        )
    return between(start, end, now=now)


def broken_range(address: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a sentence for each part of the range in an address that cannot be used."""
    found = [
        f"“{value}” is no time range; {USUAL} is shown."
        for value in address.get("range", ())
        if value not in (*RANGES, CUSTOM)
    ]
    for name in ("from", "to"):
        found += [
            f"“{value}” is no time; write it as 2026-03-01T09:00."
            for value in address.get(name, ())
            if not _is_time(value)
        ]
    return found


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    try:
        return found is not None and bool(datetime.fromisoformat("-".join(found.groups()).replace(", ", "T")))
    except ValueError:
        return False


def _problem(start: datetime | None, end: datetime | None) -> str | None:
    if start is None or end is None:
        return "Choose both from and to."
    if start >= end:
        return "From has to be before to."
    if end - start > LONGEST:
        return f"A range can have {LONGEST.days} days at most."
    return None
