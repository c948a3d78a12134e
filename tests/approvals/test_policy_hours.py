from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.approvals.business_hours import ALWAYS, MAX_DAYS, MAX_HOLIDAYS, Duration, Hours
from triage.approvals.policies import default_policy, parse_policy
from triage.domain import Urgency

BERLIN = Hours(
    time_zone="Europe/Berlin",
    days=frozenset(range(5)),
    opens_min=9 * 60,
    closes_min=17 * 60,
    holidays=frozenset({date(2026, 12, 25)}),
)
# Both changes of the clock of a year, and days around them.
INSTANTS = st.integers(0, 236 * 24 * 60).map(
    lambda minute: datetime(2026, 3, 20, tzinfo=UTC) + timedelta(minutes=minute)
)
# A part of some open days.
PARTS = st.fractions(0, 20, max_denominator=7)


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    opens = draw(st.integers(0, 1439))
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    holidays = draw(st.sets(st.dates(date(2026, 3, 20), date(2026, 11, 10)), max_size=5))
    return Hours(
        time_zone=draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])),
        days=frozenset(days),
        opens_min=opens,
        closes_min=draw(st.integers(opens + 1, 1440)),
        holidays=frozenset(holidays),
    )


def part_of(hours: Hours, part: Fraction) -> Duration:
    return Duration(minutes=int(part * hours.day_min))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def open_minutes(hours: Hours, start: datetime, end: datetime) -> int:
    """Count the open minutes one by one, by the wall clock."""
    zone, count = ZoneInfo(hours.time_zone), 0
    at = start
    while at < end:
        local = at.astimezone(zone)
        is_day = local.weekday() in hours.days and local.date() not in hours.holidays
        count += is_day and hours.opens_min <= local.hour * 60 + local.minute < hours.closes_min
        at += timedelta(minutes=1)
    return count


@pytest.mark.parametrize(
    ("asked", "duration", "due"),
    [
        ("2026-11-02T10:00", Duration(minutes=30), "2026-11-02T10:30"),
        ("2026-11-02T16:50", Duration(minutes=30), "2026-11-03T09:20"),
        ("2026-11-02T16:30", Duration(minutes=30), "2026-11-02T17:00"),
        ("2026-11-06T16:30", Duration(minutes=60), "2026-11-09T09:30"),
        ("2026-11-07T12:00", Duration(minutes=60), "2026-11-09T10:00"),
        ("2026-11-07T12:00", Duration(), "2026-11-09T09:00"),
        ("2026-11-02T10:00", Duration(days=1), "2026-11-03T10:00"),
        ("2026-12-24T16:00", Duration(minutes=120), "2026-12-28T10:00"),
        ("2026-10-23T16:00", Duration(minutes=120), "2026-10-26T10:00"),
        ("2026-03-27T16:00", Duration(days=1), "2026-03-30T16:00"),
    ],
)
def test_only_open_time_counts(asked: str, duration: Duration, due: str) -> None:
    assert BERLIN.add(berlin(asked), duration) == berlin(due)


def test_a_desk_that_never_closes_counts_all_time() -> None:
    at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert ALWAYS.add(at, Duration(days=2, minutes=5)) == at + timedelta(days=2, minutes=5)


@given(hours(), INSTANTS, PARTS)
def test_a_duration_never_ends_in_closed_time(hours: Hours, at: datetime, part: Fraction) -> None:
    end = hours.add(at, part_of(hours, part))
    assert end >= at
    assert end.tzinfo is UTC
    # It is open then, or closes at this very instant.
    assert hours.is_open(end) or hours.is_open(end - timedelta(microseconds=1))


@given(st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]), INSTANTS, st.integers(0, 1500))
def test_the_open_minutes_are_those_of_the_wall_clock(zone: str, at: datetime, minutes: int) -> None:
    desk = BERLIN.model_copy(update={"time_zone": zone, "holidays": frozenset({date(2026, 4, 6)})})
    end = desk.add(at, Duration(minutes=minutes))
    assert open_minutes(desk, at, end) == minutes


@given(hours(), INSTANTS, INSTANTS, PARTS, PARTS)
def test_later_and_longer_is_never_earlier(
    hours: Hours, one: datetime, two: datetime, some: Fraction, more: Fraction
) -> None:
    early, late = sorted((one, two))
    short, long = (part_of(hours, part) for part in sorted((some, more)))
    assert hours.add(early, short) <= hours.add(late, short)
    assert hours.add(early, short) <= hours.add(early, long)


@given(hours(), INSTANTS, PARTS, PARTS)
def test_two_durations_are_their_sum(hours: Hours, at: datetime, some: Fraction, more: Fraction) -> None:
    first, second = part_of(hours, some), part_of(hours, more)
    there = hours.add(hours.add(at, first), second)
    assert there == hours.add(at, Duration(minutes=first.minutes + second.minutes))


def test_the_longest_duration_ends_also_where_the_desk_is_hardly_open() -> None:
    sundays = {date(2026, 1, 4) + timedelta(weeks=week) for week in range(MAX_HOLIDAYS)}
    desk = Hours(
        time_zone="Europe/Berlin", days=frozenset({6}), opens_min=120, closes_min=180, holidays=frozenset(sundays)
    )
    end = desk.add(datetime(2026, 1, 1, tzinfo=UTC), Duration(days=MAX_DAYS))
    assert end.year == 2031


def test_a_day_that_an_island_skipped_is_not_counted_twice() -> None:
    samoa = Hours(time_zone="Pacific/Apia", opens_min=9 * 60, closes_min=17 * 60)
    at = datetime(2011, 12, 29, 12, tzinfo=ZoneInfo("Pacific/Apia"))
    assert samoa.add(at, Duration(days=1)) == datetime(2011, 12, 31, 12, tzinfo=ZoneInfo("Pacific/Apia"))


def test_the_built_in_times_are_shorter_for_what_is_urgent() -> None:
    at = datetime(2026, 11, 7, 12, tzinfo=UTC)
    times = [
        default_policy().times(tool="process_refund", urgency=urgency, asked_at=at)
        for urgency in (Urgency.CRITICAL, Urgency.HIGH, Urgency.MEDIUM, Urgency.LOW)
    ]
    assert times[0].due_at == at + timedelta(minutes=30)
    assert times[0].expires_at == at + timedelta(hours=8)
    assert [time.due_at for time in times] == sorted(time.due_at for time in times)
    assert all(time.due_at < time.expires_at for time in times)


def test_times_follow_the_first_entry_and_the_hours() -> None:
    document = parse_policy(
        "rules: []\n"
        "times:\n"
        "  - {tool: process_refund, urgency: [high, critical], due: 1h, expires: 1d}\n"
        "  - {tool: process_refund, due: 2h, expires: 2d}\n"
        "hours: {time_zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: 09:00, to: 17:00}\n"
    )
    friday = berlin("2026-11-06T16:30")
    refund = document.times(tool="process_refund", urgency=Urgency.HIGH, asked_at=friday)
    assert (refund.due_at, refund.expires_at) == (berlin("2026-11-09T09:30"), berlin("2026-11-09T16:30"))
    assert document.times(tool="process_refund", urgency=Urgency.LOW, asked_at=friday).due_at == berlin(
        "2026-11-09T10:30"
    )
    # What no entry is for has the usual times, in open time too.
    usual = document.times(tool="create_support_ticket", urgency=Urgency.LOW, asked_at=friday)
    assert usual.due_at == berlin("2026-11-09T16:30")
