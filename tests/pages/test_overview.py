"""The overview on a real console: with a run, a made-up history, nothing at all, and a store that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from bench.history import Plan, write
from triage.domain import Actor, Run, utc_now
from triage.domain.traces import TimeRange
from triage.services import Services

OpenPage = Callable[..., AppTest]
PARTS = ["Summary", "Runs", "Cost", "Times", "Handoffs", "Tools and models", "People"]


@pytest.fixture
def history(running: Services) -> Services:
    """A console whose trace store has ten days of made-up work up to now."""
    assert running.traces is not None
    write(running.traces, Plan(runs=400, days=10, until=utc_now().replace(minute=0, second=0, microsecond=0)))
    return running


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.caption, *page.warning, *page.error])


def test_without_runs_the_page_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("overview")
    assert not page.exception
    assert "No runs in the last 7 d" in texts(page)
    assert "clear the filters" in texts(open_page("overview", only_category="Billing"))


def test_the_page_counts_a_run(
    running: Services, open_page: OpenPage, settle: Callable[[Run], Run], operator: Actor
) -> None:
    settle(running.runs.submit("How do I add a seat to our plan?", actor=operator))
    page = open_page("overview", range="1 h")
    assert not page.exception
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Runs"] == "1"
    assert shown["Waiting now"] == "0"
    assert shown["Guardrail trips"] == "0.0 %"
    # A backslash before a digit escapes nothing, so it would be seen.
    assert re.search(r"\d calls in all", texts(page))
    assert not re.search(r"\\\d", texts(page))
    assert "No try failed, and no model was asked again." in texts(open_page("overview", range="1 h", part=PARTS[5]))
    assert "with the most calls" in texts(open_page("overview", range="1 h", part="Cost"))


def test_every_part_draws_what_the_store_counts(history: Services, open_page: OpenPage) -> None:
    for part in PARTS:
        page = open_page("overview", part=part)
        assert not page.exception, part
        assert not page.error, part
        assert "Read at" in texts(page)
        charts = page.get("plotly_chart")
        assert charts or part == "People"
        assert all(chart.proto.alt for chart in charts)


def test_filters_in_the_address_count_a_part_of_the_work(history: Services, open_page: OpenPage) -> None:
    def runs(**query: str) -> int:
        page = open_page("overview", **query)
        assert not page.exception
        return int(next(metric.value for metric in page.metric if metric.label == "Runs").replace(",", ""))

    assert history.trace_queries is not None
    week = TimeRange.last(timedelta(days=7), until=utc_now())
    everything = runs()
    assert everything == history.trace_queries.runs.totals(week).runs
    assert 0 < runs(only_category="Billing") < everything
    assert 0 < runs(only_model="house-model") < everything
    assert runs(only_customer="nobody@nowhere.example") == 0


def test_a_range_of_ones_own_counts_between_its_ends(history: Services, open_page: OpenPage) -> None:
    assert history.trace_queries is not None
    end = datetime.combine(utc_now().date(), datetime.min.time(), tzinfo=UTC)
    start = end - timedelta(days=2)
    page = open_page("overview", range="Custom", **{"from": f"{start:%Y-%m-%dT%H:%M}", "to": f"{end:%Y-%m-%dT%H:%M}"})
    assert not page.exception
    expected = history.trace_queries.runs.totals(TimeRange(start=start, end=end)).runs
    shown = next(metric.value for metric in page.metric if metric.label == "Runs")
    assert (int(shown), expected > 0) == (expected, True)
    backwards = open_page("overview", range="Custom", **{"from": "2026-03-02T00:00", "to": "2026-03-01T00:00"})
    assert "From has to be before to" in texts(backwards).replace("\\", "")


def test_broken_values_in_the_address_are_named_and_the_rest_counts(history: Services, open_page: OpenPage) -> None:
    page = open_page("overview", range="9 weeks", only_model="no-such", only_category="Technical", part="People")
    assert not page.exception
    said = texts(page).replace("\\", "")
    assert "“9 weeks” is no time range" in said
    assert "No model is called “no-such”" in said
    assert "Only Technical" in said


def test_a_store_that_cannot_be_read_is_said_in_a_sentence(running: Services, open_page: OpenPage) -> None:
    assert running.traces is not None
    running.traces.rows("select 1")
    running.traces.close()
    page = open_page("overview")
    assert not page.exception
    assert "The figures cannot be read" in page.error[0].value.replace("\\", "")


def test_a_rerun_asks_no_question_again(history: Services, open_page: OpenPage, monkeypatch: Any) -> None:
    page = open_page("overview")
    assert history.trace_queries is not None

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("The page asked the store a second time.")

    monkeypatch.setattr(history.trace_queries.runs, "totals", refuse)
    monkeypatch.setattr(history.trace_queries.costs, "over_time", refuse)
    page.run()
    assert not page.exception
    assert next(metric.value for metric in page.metric if metric.label == "Runs") != "0"
