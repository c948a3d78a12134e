from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from bench.history import Plan, write
from pages.components import trace_reading, trace_view
from triage.domain import Actor, Role, Run, utc_now
from triage.domain.traces import TraceFilter
from triage.services import Services


@pytest.fixture
def history(running: Services) -> Services:
    """A desk with a made-up history of two days that ends now."""
    assert running.traces is not None
    write(running.traces, Plan(runs=120, days=2, until=utc_now().replace(microsecond=0)))
    return running


def texts(page: AppTest) -> str:
    """Return what the page says, apart from its tables and controls."""
    kinds = ("markdown", "caption", "info", "warning", "text")
    return "\n".join(str(one.value) for kind in kinds for one in page.get(kind))


def button(page: AppTest, key: str) -> Any:
    return next(one for one in page.button if one.key == key)


def test_without_runs_the_page_says_what_to_do(open_page: Callable[..., Any]) -> None:
    page = open_page("traces")
    assert not page.exception
    assert "No trace in the last 7 d." in texts(page)


def test_the_list_is_sorted_and_turned_by_its_address(history: Services, open_page: Callable[..., Any]) -> None:
    page = open_page("traces", sort="cost_usd", page="2")
    assert not page.exception
    assert "120 traces in the last 7 d" in texts(page)
    assert "26 to 50 of 120" in texts(page)
    assert list(page.dataframe[0].value.columns)[:3] == ["When", "Message", "Status"]
    assert "Cost ↓" in page.dataframe[0].value.columns
    assert len(page.dataframe[0].value) == 25


def test_a_filter_is_a_chip_that_takes_it_away(history: Services, open_page: Callable[..., Any]) -> None:
    found = history.trace_queries.find(TraceFilter(statuses=("completed",)))
    page = open_page("traces", statuses="completed", agents="Triage agent", columns="message,run")
    chips = {one.label: one for one in page.button if str(one.key).startswith("traces_chip_")}
    assert list(chips) == ["Status\\: Done", "Agent\\: Triage agent"]
    page = chips["Agent\\: Triage agent"].click().run()
    assert not page.exception
    assert page.query_params["statuses"] == "completed"
    assert "agents" not in page.query_params
    assert f"{found.total:,} traces" in texts(page)
    assert list(page.dataframe[0].value.columns) == ["Message", "Run"]


def test_nothing_found_names_the_filters(history: Services, open_page: Callable[..., Any]) -> None:
    page = open_page("traces", text="no such words [x](http://evil.example)", email="nobody@x.example")
    said = texts(page)
    assert "No trace in the last 7 d fits these filters" in said
    assert "no such words" in said
    assert "[x](http" not in said
    page = button(page, "traces_clear_empty").click().run()
    assert "120 traces" in texts(page)


def test_a_broken_address_is_said_and_the_rest_counts(history: Services, open_page: Callable[..., Any]) -> None:
    page = open_page("traces", statuses="broken", min_cost="much", page="999999", time="30d")
    assert not page.exception
    assert [one.value.split("\\")[0] for one in page.warning] == ["“broken” was left out", "“much” was left out"]
    assert "101 to 120 of 120" in texts(page)


def test_a_missing_trace_is_said_with_a_way_back(open_page: Callable[..., Any]) -> None:
    page = open_page("traces", trace="trace_unknown")
    assert not page.exception
    assert "There is no trace with the id" in page.info[0].value
    page = button(page, "trace_back").click().run()
    assert "trace" not in page.query_params


def test_one_trace_leads_to_its_neighbours_in_the_order_of_the_list(
    history: Services, open_page: Callable[..., Any]
) -> None:
    first, second, third = history.trace_queries.find(TraceFilter(), sort="cost_usd", limit=3).rows
    page = open_page("traces", trace=second.trace_id, sort="cost_usd")
    assert not page.exception
    page = button(page, "trace_next").click().run()
    assert page.query_params["trace"] == third.trace_id
    for expected in (second, first):
        page = button(page, "trace_previous").click().run()
        assert page.query_params["trace"] == expected.trace_id
    assert button(page, "trace_previous").disabled


def test_a_run_is_read_step_by_step_and_its_words_are_data(
    running: Services, open_page: Callable[..., Any], settle: Callable[[Run], Run], operator: Actor
) -> None:
    nasty = "Where is order 1? [click](http://evil.example) :red[boo] $x$ <b>"
    run = settle(running.runs.submit(nasty, actor=operator, customer_email="alice@example.com"))
    spans = running.trace_queries.spans(run.trace_id)
    tool = next(span for span in spans if span.kind == "tool")
    page = open_page("traces", trace=run.trace_id, span=tool.span_id)
    assert not page.exception
    assert "**Asked with**" in texts(page)
    assert "**Answered**" in texts(page)
    model = next(span for span in spans if span.kind == "model")
    page = open_page("traces", trace=run.trace_id, span=model.span_id)
    assert any(nasty in text.value for text in page.text)
    assert not any("[click](http" in one.value for kind in ("markdown", "subheader") for one in page.get(kind))


def test_a_trace_of_two_thousand_steps_sends_the_content_of_the_open_one_only(
    running: Services, open_page: Callable[..., Any]
) -> None:
    keep(running, count=2_000, big=1_999)
    page = open_page("traces", trace="trace_long")
    assert not page.exception
    assert "2,000 steps" in texts(page)
    assert max(len(text.value) for text in page.text) == 4_000
    assert any("Show 200,000 of 1,000," in one.label for one in page.toggle)
    page = open_page("traces", trace="trace_long", span="span_5")
    assert max(len(text.value) for text in page.text) == 10


def test_a_trace_without_a_run_is_shown_by_its_steps(running: Services, open_page: Callable[..., Any]) -> None:
    keep(running, count=2)
    page = open_page("traces", trace="trace_long")
    assert page.subheader[0].value == "t"
    assert not page.exception


@pytest.mark.parametrize(("age", "is_watched"), [(timedelta(seconds=1), True), (timedelta(hours=1), False)])
def test_steps_that_came_before_their_run_are_watched_until_it_comes(
    running: Services,
    open_page: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    age: timedelta,
    is_watched: bool,
) -> None:
    for read in (trace_reading._read_row, trace_reading._read_spans):
        read.clear()
    keep(running, count=2, age=age)
    every: list[float | None] = []

    def fragment(draw: Callable[..., Any], *, run_every: float | None) -> Callable[..., Any]:
        every.append(run_every)
        return st.fragment(draw, run_every=run_every)

    monkeypatch.setattr(trace_view, "st", SimpleNamespace(**{**vars(st), "fragment": fragment}))
    page = open_page("traces", trace="trace_long")
    assert not page.exception
    assert [each is not None for each in every] == [is_watched]


def test_two_traces_side_by_side_say_what_differs(history: Services, open_page: Callable[..., Any]) -> None:
    failed = history.trace_queries.find(TraceFilter(statuses=("failed",))).rows[0]
    done = history.trace_queries.find(TraceFilter(statuses=("completed",), tools=("search_knowledge_base",))).rows[0]
    page = open_page("traces", **{"trace": failed.trace_id, "with": done.trace_id})
    assert not page.exception
    said = texts(page)
    assert "**Failed**" in said
    assert "**Done**" in said
    assert "**Search knowledge base** :orange-badge[only right]" in said
    page = button(page, "compare_swap").click().run()
    assert page.query_params["trace"] == done.trace_id
    assert page.query_params["with"] == failed.trace_id
    missing = open_page("traces", **{"trace": failed.trace_id, "with": "trace_unknown"})
    assert "There is no trace with the id" in missing.info[0].value


def keep(running: Services, *, count: int, big: int | None = None, age: timedelta = timedelta(hours=1)) -> None:
    """Put a trace of tool calls without a run into the store; one of them has a megabyte to say."""
    begin = utc_now() - age
    row = {"trace_id": "trace_long", "kind": "tool", "name": "t", "tool": "t"}
    lines = []
    for number in range(count):
        content = {"arguments": {}, "result": "x" * (1_000_000 if number == big else 10)}
        times = {
            name: (begin + timedelta(milliseconds=number + later)).isoformat()
            for name, later in (("started_at", 0), ("ended_at", 1))
        }
        step = {**row, **times, "span_id": f"span_{number}", "content": json.dumps(content)}
        lines.append(json.dumps(step).encode() + b"\n")
    assert running.traces is not None
    running.traces.insert_batch(span_lines=lines, price=lambda calls: None, segment="s", offset=1)


def test_who_may_not_search_gets_nothing_that_was_read_for_a_manager(
    history: Services, open_page: Callable[..., Any]
) -> None:
    assert len(open_page("traces", role=Role.MANAGER).dataframe) == 1
    page = open_page("traces", role=Role.OPERATOR)
    assert not page.dataframe
    assert "120 traces" not in texts(page)
    assert "manager" in page.error[0].value


def test_a_store_that_cannot_be_read_is_said(history: Services, open_page: Callable[..., Any]) -> None:
    assert history.traces is not None
    for name in ("", "trace_1"):
        # What the console writes meanwhile would be in the way.
        with history.traces.unchanging() as cursor:
            cursor.execute("drop view if exists span_rows")
            cursor.execute("drop table if exists runs")
        page = open_page("traces", **({"trace": name} if name else {}))
        assert not page.exception
        assert "The trace store cannot be read now" in page.error[0].value
