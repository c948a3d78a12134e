"""Time that counts: when the desk is open, and what a duration comes to when only that time counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from triage.domain import Value

DAY_MIN = 24 * 60
# The longest duration that a policy may have, in open days, and the most holidays.
MAX_DAYS = 90
MAX_HOLIDAYS = 200
# Enough for both where one day a week is open, and for the year's nights in which the clock skips an hour.
_FARTHEST_DAYS = 7 * (MAX_DAYS + MAX_HOLIDAYS + 20)


class Duration(Value):
    """A length of time that counts; a day is as long as the desk is open on one day."""

    days: int = 0
    minutes: int = 0


class Hours(Value):
    """When the desk is open: on ``days`` (Monday is 0), minutes of the local day, except on ``holidays``.

    The usual value is always open.
    """

    time_zone: str = "UTC"
    days: frozenset[int] = frozenset(range(7))
    opens_min: int = 0
    closes_min: int = DAY_MIN
    holidays: frozenset[date] = frozenset()

    @property
    def is_always(self) -> bool:
        """Whether the desk never closes."""
        return len(self.days) == 7 and (self.opens_min, self.closes_min) == (0, DAY_MIN) and not self.holidays  # noqa: PLR2004 - a week

    @property
    def day_min(self) -> int:
        """How many minutes the desk is open on one day."""
        return self.closes_min - self.opens_min

    def open_minutes(self, duration: Duration) -> int:
        """Return how many minutes of open time a duration is."""
        return duration.days * self.day_min + duration.minutes

    def is_open(self, at: datetime) -> bool:
        """Whether the desk is open at an instant; at the instant of closing it is closed."""
        return next(start <= at for start, end in self._spans(at) if end > at)

    def add(self, at: datetime, duration: Duration) -> datetime:
        """Return the instant, in UTC, at which the desk has been open for ``duration`` since ``at``.

        It lies in an open span or at its very end; a duration of nothing in closed time leads to the next opening.
        """
        at = at.astimezone(UTC)
        left = timedelta(minutes=self.open_minutes(duration))
        if self.is_always:
            return at + left
        for start, end in self._spans(at):
            begin = max(start, at)
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise AssertionError("A policy's durations end within the days that are looked at.")

    def _spans(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open spans in UTC that end at ``at`` or later, in order and without overlap.

        An hour that the clock skips is not there, one that it repeats is there twice: spans are ended by the local
        clock but measured in real time.
        """
        zone = ZoneInfo(self.time_zone)
        day = at.astimezone(zone).date() - timedelta(days=1)
        last = datetime.min.replace(tzinfo=UTC)
        for _ in range(_FARTHEST_DAYS):
            if day.weekday() in self.days and day not in self.holidays:
                start = max(_instant(day, self.opens_min, zone), last)
                end = max(_instant(day, self.closes_min, zone), start)
                last = end
                if end >= at and end > start:
                    yield start, end
            day += timedelta(days=1)


ALWAYS = Hours()


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the instant in UTC of a minute of a local day; minute 1440 is the next midnight."""
    day += timedelta(days=minute // DAY_MIN)
    minute %= DAY_MIN
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone).astimezone(UTC)
