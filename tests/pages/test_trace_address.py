from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from pages.components.trace_address import Asked, read_address, to_params, traces_address
from triage.domain.traces import TimeRange, TraceFilter

NOW = datetime(2026, 3, 10, 12, 0, 10, tzinfo=UTC)
EVERYTHING = Asked(
    period="custom",
    start=datetime(2026, 3, 1, 9, tzinfo=UTC),
    end=datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC),
    wanted=TraceFilter(
        statuses=("failed", "blocked"),
        agents=("Triage agent", "A & B = C"),
        models=("gpt-5.4",),
        tools=("find_orders",),
        guardrails=("Input check",),
        categories=("feature_request",),
        customer="ada@shop.example",
        conversation_id="conv_1",
        min_cost_usd=Decimal("0.0125"),
        max_cost_usd=Decimal(200),
        min_active_ms=1_500,
        max_active_ms=90_000,
        has_error=False,
        text="100 % ?",
    ),
    sort="cost_usd",
    descending=False,
    page=4,
    columns=("message", "cost"),
    trace="trace_1",
    span="span_1",
    other="trace_2",
)


def address(**values: Any) -> Asked:
    return read_address({name: value if isinstance(value, list) else [value] for name, value in values.items()})


@pytest.mark.parametrize("asked", [Asked(), EVERYTHING, Asked(period="all"), Asked(period="24h", page=2)])
def test_an_address_says_all_that_was_asked(asked: Asked) -> None:
    assert read_address(parse_qs(urlencode(to_params(asked), doseq=True))) == asked


def test_the_usual_needs_no_address() -> None:
    assert to_params(Asked()) == {}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("statuses", "broken", "no status"),
        ("categories", "weather", "no category"),
        ("time", "7 years", "no time range"),
        ("min_cost", "much", "no number"),
        ("min_cost", "-1", "no number"),
        ("max_seconds", "NaN", "no number"),
        ("max_cost", "1e999", "no number"),
        ("errors", "perhaps", "neither yes nor no"),
        ("sort", "created_at; drop table runs", "nothing to sort by"),
        ("order", "up", "no order"),
        ("page", "two", "no number of a page"),
        ("columns", "when,password", "no column"),
        ("trace", "../../etc", "no id of a trace"),
        ("with", "<script>", "compare"),
        ("start", "yesterday", "no time"),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_is_kept(name: str, value: str, said: str) -> None:
    asked = address(**{name: value}, agents="Triage agent")
    assert len(asked.problems) == 1
    assert said in asked.problems[0]
    assert asked.wanted.agents == ("Triage agent",)
    expected: Asked = Asked(columns=("when",)) if name == "columns" else Asked()
    assert replace(asked, problems=(), wanted=TraceFilter()) == expected


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"start": "2026-03-02", "end": "2026-03-01"}, "ends before it starts"),
        ({"start": "2026-03-02"}, "both start and end"),
    ],
)
def test_a_time_range_that_cannot_be_is_said(bounds: dict[str, str], said: str) -> None:
    asked = address(**bounds)
    assert asked.period == "7d"
    assert said in asked.problems[0]


def test_words_as_people_read_them_are_taken_as_well() -> None:
    asked = address(statuses=["Waits for approval", "Done"], categories="Feature request", time="30 d")
    assert asked.wanted.statuses == ("awaiting_approval", "completed")
    assert asked.wanted.categories == ("feature_request",)
    assert asked.period == "30d"
    assert asked.problems == ()


def test_times_of_any_zone_are_read_as_utc() -> None:
    asked = address(start="2026-03-01T09:00:00+02:00", end="2026-03-01T09:00")
    assert (asked.start, asked.end) == (datetime(2026, 3, 1, 7, tzinfo=UTC), datetime(2026, 3, 1, 9, tzinfo=UTC))


def test_a_range_up_to_now_stays_the_same_for_half_a_minute() -> None:
    first, second = (Asked(period="1h").filter_at(NOW + timedelta(seconds=later)) for later in (0, 15))
    assert first == second
    assert first.time_range == TimeRange.last(timedelta(hours=1), until=datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC))
    assert Asked(period="all").filter_at(NOW).time_range is None


def test_another_page_links_to_the_traces_behind_a_number() -> None:
    wanted = TraceFilter(statuses=("failed",), customer="ada@shop.example")
    assert traces_address(wanted, period="30 d", sort="active_ms") == {
        "time": "30d", "statuses": ["failed"], "email": "ada@shop.example", "sort": "active_ms",
    }  # fmt: skip
    within = replace(wanted, time_range=TimeRange(start=NOW - timedelta(days=1), end=NOW))
    linked = read_address(parse_qs(urlencode(traces_address(within), doseq=True)))
    assert linked.filter_at(NOW) == within
    assert traces_address(TraceFilter()) == {"time": "all"}
