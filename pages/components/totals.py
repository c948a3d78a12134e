"""The overview's row of numbers, each with its trend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.components import words
from pages.components.numbers import share, trend_of_count, trend_of_money, trend_of_share, trend_of_time
from pages.components.text import plain
from triage.approvals.service import ApprovalService


def totals_row(overview: Any, *, approvals: ApprovalService, period: str) -> None:
    """Draw the numbers of a time range with their change, and how many decisions wait at this moment."""
    totals, before, buckets = overview.totals, overview.before, overview.runs
    versus = f"change to the {period} before."
    with st.grid(6, min_column_width=120, gap="small"):
        _card(
            "Runs",
            f"{totals.runs:,}",
            trend_of_count(totals.runs, before.runs),
            [bucket.runs for bucket in buckets],
            help=f"Messages submitted; {versus}",
        )
        _waiting_card(approvals)
        _card(
            "Guardrail trips",
            share(totals.trip_rate),
            trend_of_share(totals.trip_rate, before.trip_rate),
            [bucket.trips for bucket in buckets],
            help=f"{totals.blocked:,} of {totals.runs:,} runs were stopped by a check; {versus}",
        )
        failed, failed_before = _failure_rate(totals), _failure_rate(before)
        _card(
            "Failed",
            share(failed),
            trend_of_share(failed, failed_before),
            [bucket.failed for bucket in buckets],
            help=f"{totals.failed:,} runs ended without a result; {versus}",
        )
        _card(
            "p95 time",
            words.duration(totals.p95_ms) or "none yet",
            trend_of_time(totals.p95_ms, before.p95_ms),
            [bucket.p95_ms or 0 for bucket in buckets],
            help=f"95 of 100 runs took at most this long, waiting for people left out; {versus}",
        )
        _card(
            "Cost",
            plain(words.money(totals.cost_usd)),
            trend_of_money(totals.cost_usd, before.cost_usd),
            [float(bucket.cost_usd) for bucket in buckets],
            help=f"{words.count(totals.unpriced_calls, 'call')} without a known price not counted; {versus}",
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


def _waiting_card(approvals: ApprovalService) -> None:
    oldest = approvals.list(limit=1)
    st.metric(
        "Waiting now",
        f"{approvals.count_open():,}",
        help="Actions that wait for a decision at this moment, whatever the time range.",
        delta_description=f"oldest {words.ago(oldest[0].created_at)}" if oldest else "nothing waits",
        border=True,
        height="stretch",
    )


def _failure_rate(totals: Any) -> float | None:
    return totals.failed / totals.runs if totals.runs else None
