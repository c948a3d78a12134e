"""What tools and models were asked, how long they took and how they failed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import words
from pages.components.chart_card import NOTHING, card, chart_card
from pages.components.charts import PALETTE, Mark, ranked_bars, stacked_bars
from pages.components.numbers import share
from pages.components.overview_view import View
from triage.domain.measures import ModelReliability, ReliabilityBucket, ToolErrors, ToolUse
from triage.measures.topics import ToolTopic

_SHORT_MS = 9.5
TROUBLES = {
    "failed_calls": ("Failed tries", PALETTE[4]),
    "retries": ("Tried again", PALETTE[1]),
    "fallbacks": ("Next model asked", PALETTE[2]),
}


def draw_tools(view: View, tools: ToolTopic) -> None:
    """Draw the part on tools and models."""
    left, right = st.columns(2)
    with left:
        call_card(view, tools.tools, tools.errors)
    with right:
        trouble_card(view, tools.models_by_time)
    left, right = st.columns(2)
    with left:
        tool_table(view, tools.tools)
    with right:
        model_table(view, tools.models)


def call_card(view: View, tools: Sequence[ToolUse], errors: Sequence[ToolErrors]) -> None:
    """Draw the calls of each tool, and those that ended in an error."""
    shown = tools[:10]
    names = words.tool_names(tool.tool for tool in tools)
    kinds: dict[str, list[str]] = {}
    for error in errors:
        kinds.setdefault(error.tool, []).append(f"{words.words(error.error_kind).lower()} {error.errors:,}")
    series = {
        "Carried out": {
            names[tool.tool]: Mark(
                tool.calls - tool.errors,
                f"{names[tool.tool]}: {words.count(tool.calls - tool.errors, 'call')} carried out",
                view.address(tools=(tool.tool,)),
            )
            for tool in shown
        },
        "Ended in an error": {
            names[tool.tool]: Mark(
                tool.errors,
                f"{names[tool.tool]}: {words.count(tool.errors, 'error')} ({', '.join(kinds.get(tool.tool, []))})",
                view.address(tools=(tool.tool,), has_error=True),
            )
            for tool in shown
        },
    }
    calls, failed = sum(tool.calls for tool in tools), sum(tool.errors for tool in tools)
    chart_card(
        "Tool calls, by tool",
        f"{words.count(calls, 'call')}, {words.count(failed, 'error')}; what waits for a decision counts when done",
        ranked_bars(
            series,
            colours={"Carried out": PALETTE[0], "Ended in an error": PALETTE[4]},
            rows=[names[tool.tool] for tool in shown],
        ),
        key="tool_calls",
        rows=errors,
        alt=f"Bars: {words.count(calls, 'tool call')} in {view.range.words} by tool, {failed:,} of them with an error.",
        links=[(names[text], to) for text, to in view.links("tools", names)],
    )


def trouble_card(view: View, buckets: Sequence[ReliabilityBucket]) -> None:
    """Draw how often models failed, were asked again, and were replaced by the next one."""
    series = {
        name: {
            bucket.at: Mark(
                getattr(bucket, field),
                f"{view.when(bucket.at)}: {name.lower()}, {getattr(bucket, field):,} of {bucket.calls:,}",
                view.address(at=bucket.at, has_error=True),
            )
            for bucket in buckets
        }
        for field, (name, _) in TROUBLES.items()
    }
    sums = {field: sum(getattr(bucket, field) for bucket in buckets) for field in TROUBLES}
    calls = sum(bucket.calls for bucket in buckets)
    chart_card(
        f"Fallbacks and retries per {view.unit}",
        f"{words.count(calls, 'model call')}: {sums['failed_calls']:,} failed, {sums['retries']:,} were made again, "
        f"{sums['fallbacks']:,} went to the next model",
        stacked_bars(series, colours=dict(TROUBLES.values()), starts=[bucket.at for bucket in buckets], step=view.step),
        key="fallbacks",
        rows=[bucket for bucket in buckets if bucket.calls],
        alt=f"Stacked bars: failed tries, retries and fallbacks of models per {view.unit} in {view.range.words}.",
        empty="No try failed, and no model was asked again." if calls else NOTHING,
        links=[("Runs with an error", view.address(has_error=True))],
    )


def tool_table(view: View, tools: Sequence[ToolUse]) -> None:
    """Draw calls, errors and times of each tool as a table."""
    with card(
        "Tools: times and errors", "half, 95 % and 99 % of the calls took at most this long", key="tools", rows=tools
    ):
        st.dataframe(
            {
                "Tool": list(words.tool_names(tool.tool for tool in tools).values()),
                "Calls": [tool.calls for tool in tools],
                "Errors": [share(tool.error_rate) for tool in tools],
                "Put off": [tool.paused for tool in tools],
                **_times(tools),
            },
            hide_index=True,
            height="content",
            row_height=32,
            column_config=_columns("Tool", counts=("Calls", "Put off"), texts=("Errors",)),
            alt=f"Table: calls, errors and times of each tool in {view.range.words}.",
        )


def model_table(view: View, models: Sequence[ModelReliability]) -> None:
    """Draw tries, failures and times of each model as a table."""
    with card(
        "Models: tries and times",
        "by the name in the settings; times of the calls that were answered",
        key="model_tries",
        rows=models,
    ):
        st.dataframe(
            {
                "Model": [model.model for model in models],
                "Tries": [model.calls for model in models],
                "Failed": [share(model.failure_rate) for model in models],
                "Filled in": [model.fallbacks for model in models],
                **_times(models),
            },
            hide_index=True,
            height="content",
            row_height=32,
            column_config=_columns("Model", counts=("Tries", "Filled in"), texts=("Failed",)),
            alt=f"Table: tries, failures and times of each model in {view.range.words}.",
        )


def _times(rows: Sequence[ToolUse | ModelReliability]) -> dict[str, list[str]]:
    return {name: [_narrow(getattr(row.times, f"{name}_ms")) for row in rows] for name in ("p50", "p95", "p99")}


def _narrow(ms: float | None) -> str:
    """Return a duration that fits into its column, where the words for a very short one would be cut."""
    if ms is None or ms >= _SHORT_MS:
        return words.duration(ms)
    return f"{ms:.0f} ms" if round(ms) else "< 1 ms"


def _columns(name: str, *, counts: tuple[str, ...], texts: tuple[str, ...]) -> dict[str, object]:
    """Return columns that are together as wide as a card in a window of 1280; in a wider one all of them grow."""
    right = {text: st.column_config.TextColumn(width=52, alignment="right") for text in (*texts, "p50", "p95", "p99")}
    numbers = {count: st.column_config.NumberColumn(width=54, format="localized") for count in counts}
    return {name: st.column_config.TextColumn(width=108), **numbers, **right}
