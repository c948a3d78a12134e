"""Where money and tokens go: by agent, category, customer and model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.components import words
from pages.components.chart_card import card, chart_card
from pages.components.charts import PALETTE, Mark, ranked_bars, stacked_bars
from pages.components.numbers import share
from pages.components.overview_view import View
from triage.domain import Category
from triage.domain.measures import Spending, SpendingBucket
from triage.measures.topics import CostTopic, Head

MOST_BARS = 10
TOKENS: dict[str, tuple[str, Callable[[Spending], int]]] = {
    "Read": (PALETTE[0], lambda spent: spent.input_tokens - spent.cached_tokens),
    "Read from cache": (PALETTE[1], lambda spent: spent.cached_tokens),
    "Written": (PALETTE[2], lambda spent: spent.output_tokens - spent.reasoning_tokens),
    "Reasoning": (PALETTE[3], lambda spent: spent.reasoning_tokens),
}


def draw_costs(view: View, head: Head, costs: CostTopic) -> None:
    """Draw the part on cost and tokens."""
    left, right = st.columns(2)
    with left:
        cost_card(view, costs.agents, by="agent", field="agents")
    with right:
        cost_card(view, costs.categories, by="category", field="categories")
    left, right = st.columns(2)
    with left:
        cost_card(view, costs.customers, by="customer", field="customer")
    with right:
        token_card(view, head.spending_by_time, head)
    model_table(view, costs.models)


def cost_card(view: View, rows: Sequence[Spending], *, by: str, field: str) -> None:
    """Draw the cost of each agent, category or customer; where nothing has a price, their calls."""
    is_free = not any(spent.cost_usd for spent in rows)
    names = {spent: _name(spent, by=by) for spent in rows[:MOST_BARS]}
    bars = {}
    for spent, name in names.items():
        unpriced = f", {words.count(spent.unpriced_calls, 'call')} unpriced" if spent.unpriced_calls else ""
        value = spent.name if by == "customer" else (spent.name,)
        bars[name] = Mark(
            spent.calls if is_free else float(spent.cost_usd),
            f"{name}: {words.money(spent.cost_usd)} for {words.count(spent.calls, 'call')}{unpriced}",
            view.address(**{field: value}) if spent.name else view.address(),
        )
    unpriced_calls = sum(spent.unpriced_calls for spent in names)
    note = f"{words.count(unpriced_calls, 'call')} unpriced, not counted" if unpriced_calls else "every call priced"
    most = "with the most calls" if is_free else "that cost most"
    which = f"the {len(names)} {most}" if by == "customer" else "model calls by when they began"
    noun = "Model calls" if is_free else "Cost"
    chart_card(
        f"{noun} by {by}" + ("" if is_free else " (USD)"),
        f"{which}; {note}",
        ranked_bars({noun: bars}, colours={noun: PALETTE[0]}, rows=list(bars), prefix="" if is_free else "$"),
        key=f"cost_by_{by}",
        rows=rows,
        alt=f"Bars: {noun.lower()} by {by} in {view.range.words}; most for {next(iter(bars), 'nobody')}.",
        links=view.links(field, [spent.name for spent in rows]),
    )


def token_card(view: View, buckets: Sequence[SpendingBucket], head: Head) -> None:
    """Draw the tokens over time by what became of them."""
    starts = [bucket.at for bucket in head.runs_by_time]
    series = {}
    for name, (_, count) in TOKENS.items():
        sums = dict.fromkeys(starts, 0)
        for bucket in buckets:
            sums[bucket.at] = sums.get(bucket.at, 0) + count(bucket)
        series[name] = {
            at: Mark(tokens, f"{view.when(at)}: {words.count(tokens, 'token')}, {name.lower()}", view.address(at=at))
            for at, tokens in sums.items()
        }
    spent, before = head.spending, head.spending_before
    cached = f"{share(spent.cached_share)} of what was read came from the cache"
    if before.cached_share is not None:
        cached += f" ({share(before.cached_share)} in the period before)"
    chart_card(
        f"Tokens per {view.unit}",
        f"{spent.input_tokens:,} read, {spent.output_tokens:,} written; {cached}",
        stacked_bars(
            series, colours={name: colour for name, (colour, _) in TOKENS.items()}, starts=starts, step=view.step
        ),
        key="tokens",
        rows=buckets,
        alt=f"Stacked bars: tokens per {view.unit} in {view.range.words}, read, from the cache, written, reasoning.",
        links=[("All runs of this time", view.address())],
    )


def model_table(view: View, models: Sequence[Spending]) -> None:
    """Draw all figures of each model as a table."""
    with card(
        "Models: calls, tokens and cost",
        "a failed call costs nothing; an unpriced one was answered and has no known price",
        key="models",
        rows=models,
        links=view.links("models", [spent.name for spent in models]),
    ):
        st.dataframe(
            {
                "Model": [spent.name or "unknown" for spent in models],
                "Calls": [spent.calls for spent in models],
                "Failed": [spent.failed_calls for spent in models],
                "Unpriced": [spent.unpriced_calls for spent in models],
                "Cost": [words.money(spent.cost_usd) for spent in models],
                "Read": [spent.input_tokens for spent in models],
                "Cached": [share(spent.cached_share) for spent in models],
                "Written": [spent.output_tokens for spent in models],
            },
            hide_index=True,
            height="content",
            row_height=32,
            column_config={
                name: st.column_config.NumberColumn(format="localized")
                for name in ("Calls", "Failed", "Unpriced", "Read", "Written")
            }
            | {name: st.column_config.TextColumn(alignment="right") for name in ("Cost", "Cached")},
            alt=f"Table: calls, failures, tokens and cost of each model in {view.range.words}.",
        )


def _name(spent: Spending, *, by: str) -> str:
    if spent.name is None:
        return f"No {by}"
    known = {category.value: words.category(category).text for category in Category}
    return known.get(spent.name, spent.name) if by == "category" else spent.name
