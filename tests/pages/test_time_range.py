from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from pages.components.measure_filters import broken_filters, filter_words
from pages.components.time_range import CUSTOM, RANGES, between, broken_range, recent, step_of
from triage.domain.traces import MeasureFilter

NOW = datetime(2026, 3, 10, 12, 0, 7, tzinfo=UTC)


def naive(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC).replace(tzinfo=None)


def test_questions_of_the_same_half_minute_are_the_same_question() -> None:
    first = recent("24 h", now=NOW)
    assert first == recent("24 h", now=NOW + timedelta(seconds=20))
    assert first.time_range.end == NOW.replace(second=30)
    assert first.time_range.start == first.time_range.end - timedelta(hours=24)
    assert first.unit == "hour"


@pytest.mark.parametrize("name", RANGES)
def test_every_range_has_some_ten_to_a_hundred_bars(name: str) -> None:
    assert 7 <= RANGES[name] / step_of(RANGES[name]) <= 100


def test_a_range_of_ones_own_is_in_utc() -> None:
    chosen = between(naive(1), naive(4, 6), now=NOW)
    assert chosen.problem is None
    assert (chosen.name, chosen.step) == (CUSTOM, timedelta(days=1))
    assert chosen.time_range.start == datetime(2026, 3, 1, tzinfo=UTC)
    assert chosen.words == "1 Mar 2026 00:00 to 4 Mar 2026 06:00 UTC"


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (None, naive(1), "Choose both"),
        (naive(2), naive(2), "before"),
        (naive(3), naive(2), "before"),
        (naive(1) - timedelta(days=500), naive(2), "400 days"),
    ],
)
def test_a_range_that_makes_no_sense_is_said_and_the_usual_one_shown(
    start: datetime | None, end: datetime, sentence: str
) -> None:
    chosen = between(start, end, now=NOW)
    assert chosen.problem is not None
    assert sentence in chosen.problem
    assert (chosen.name, chosen.time_range) == ("7 d", recent("7 d", now=NOW).time_range)


def test_what_an_address_says_wrongly_is_named() -> None:
    address = {"range": ["9 weeks"], "from": ["2026-03-01T09:00"], "to": ["2026-02-30T09:00"], "other": ["x"]}
    assert broken_range(address) == [
        "“9 weeks” is no time range; 7 d is shown.",
        "“2026-02-30T09:00” is no time; write it as 2026-03-01T09:00.",
    ]
    assert broken_range({"range": ["30 d"], "from": ["2026/03/01, 09:00"]}) == []
    address = {"only_model": ["large", "tiny"], "only_category": ["Billing"], "only_agent": [""]}
    choices = SimpleNamespace(models=["large"], agents=["Triage agent"])
    assert broken_filters(address, choices) == ["No model is called “tiny”; this filter is left out."]


def test_filters_are_said_in_the_words_of_the_page() -> None:
    chosen = MeasureFilter(models=("large",), categories=("feature_request",), customer="ann@acme.example")
    assert filter_words(chosen) == "large, Feature request, ann@acme.example"
    assert filter_words(MeasureFilter()) == ""
