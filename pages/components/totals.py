"""The overview's row of numbers, each with its trend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.numbers import share, trend_of_count, trend_of_money, trend_of_share, trend_of_time
from pages.components.overview_view import View
from pages.components.text import plain
from triage.access.seen_runs import SeenApprovals
from triage.measures.topics import Head

_CARD_PX = 174


def totals_row(view: View, head: Head, *, approvals: SeenApprovals) -> None:
    """Draw the numbers of a time range with their change, and how many decisions wait at this moment."""
    runs, before, buckets = head.runs, head.runs_before, head.runs_by_time
    of = (runs.runs, before.runs)
    versus = "Change against the period of the same length before."
    costs: dict[datetime, Decimal] = defaultdict(Decimal)
    for bucket in head.spending_by_time:
        costs[bucket.at] += bucket.cost_usd
    # A fixed height, so that nothing below moves when the browser has drawn the curves.
    with st.grid(6, min_column_width=120, gap="small", row_height=_CARD_PX):
        _card(
            "Runs",
            f"{runs.runs:,}",
            trend_of_count(runs.runs, before.runs),
            [bucket.runs for bucket in buckets],
            help=f"Messages submitted in {view.range.words}. {versus}",
        )
        _waiting_card(approvals)
        _card(
            "Guardrail trips",
            share(runs.trip_rate),
            trend_of_share(runs.trip_rate, before.trip_rate, of=of),
            [bucket.blocked for bucket in buckets],
            help=f"{runs.blocked:,} of {runs.runs:,} runs were stopped by a check. {versus}",
        )
        _card(
            "Failed",
            share(runs.failure_rate),
            trend_of_share(runs.failure_rate, before.failure_rate, of=of),
            [bucket.failed for bucket in buckets],
            help=f"{runs.failed:,} runs ended without a result. {versus}",
        )
        now, then = head.times.completion, head.times_before.completion
        _card(
            "p95 time",
            words.duration(now.p95_ms) or "none yet",
            trend_of_time(now.p95_ms, then.p95_ms, of=(now.count, then.count)),
            [bucket.completion.p95_ms for bucket in head.times_by_time if bucket.completion.p95_ms is not None],
            help=f"95 of 100 runs took at most this long, waiting for people left out. {versus}",
        )
        _card(
            "Cost",
            plain(words.money(head.spending.cost_usd)),
            trend_of_money(head.spending.cost_usd, head.spending_before.cost_usd),
            [float(costs[bucket.at]) for bucket in buckets],
            help=f"{words.count(head.spending.unpriced_calls, 'call')} without a known price not counted. {versus}",
        )


def _card(name: str, value: str, trend: Any, points: Sequence[float], *, help: str) -> None:  # noqa: A002 - its name there
    st.metric(
        name,
        value,
        trend,
        help=help,
        chart_data=points,
        chart_type="area",
        border=True,
        height="stretch",
        delta_color="off",
    )


def _waiting_card(approvals: SeenApprovals) -> None:
    oldest = approvals.list(limit=1)
    st.metric(
        "Waiting now",
        f"{approvals.count_open():,}",
        help="Actions that wait for a decision at this moment, whatever the time range and filters.",
        delta_description=f"oldest {words.ago(oldest[0].created_at)}" if oldest else "nothing waits",
        border=True,
        height="stretch",
    )
