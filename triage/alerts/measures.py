"""What rules can look at: each measure with its unit, which way is worse, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from triage.domain import AlertMeasure

Unit = Literal["share", "growth", "seconds", "turns"]


@dataclass(frozen=True, kw_only=True)
class MeasureSpec:
    """A measure in words; ``counted`` is what its number of things counts, ``periods_before`` what it compares with."""

    title: str
    meaning: str
    unit: Unit
    counted: str
    lower_is_worse: bool = False
    periods_before: int = 0

    @property
    def highest(self) -> float:
        """The largest threshold that makes sense."""
        return {"share": 1.0, "growth": 100.0, "seconds": 86_400.0, "turns": 10_000.0}[self.unit]


MEASURES: dict[AlertMeasure, MeasureSpec] = {
    AlertMeasure.TRIP_RATE: MeasureSpec(
        title="Guardrail trips",
        meaning="The share of the runs submitted in the window that a guardrail stopped.",
        unit="share",
        counted="runs",
    ),
    AlertMeasure.HANDOFF_SUCCESS: MeasureSpec(
        title="Handoff success",
        meaning="The share of handoffs without a bounce back, in runs that finished and that no person re-routed; "
        "handoffs of runs that still wait are left out.",
        unit="share",
        counted="handoffs",
        lower_is_worse=True,
    ),
    AlertMeasure.COMPLETION_P95: MeasureSpec(
        title="Time to completion, p95",
        meaning="The active time within which 95 % of the runs submitted in the window ended, without waiting for "
        "people.",
        unit="seconds",
        counted="runs",
    ),
    AlertMeasure.TURNS_P95: MeasureSpec(
        title="Turns per conversation, p95",
        meaning="The number of agents' turns that 95 % of the conversations stay within, over the runs of the window.",
        unit="turns",
        counted="conversations",
    ),
    AlertMeasure.TURNS_GROWTH: MeasureSpec(
        title="Growth of turns per conversation",
        meaning="By how much the p95 of turns per conversation is above that of the window before.",
        unit="growth",
        counted="conversations",
        periods_before=1,
    ),
    AlertMeasure.COST_TREND: MeasureSpec(
        title="Growth of the cost per run",
        meaning="By how much the cost per run is above the mean of the four windows before; windows with too few runs "
        "are left out of the mean, and calls without a price of the cost.",
        unit="growth",
        counted="runs",
        periods_before=4,
    ),
}


def said(value: float | None, unit: Unit) -> str:
    """Return a value or threshold as a person says it: "5 %", "+25 %", "30 s", "12 turns"."""
    if value is None:
        return "no data"
    if unit == "seconds":
        return f"{value:,.0f} s" if value >= 10 or value == int(value) else f"{value:.1f} s"  # noqa: PLR2004
    if unit == "turns":
        return f"{value:,.1f}".removesuffix(".0") + (" turn" if value == 1 else " turns")
    percent = f"{value * 100:,.1f}".removesuffix(".0")
    return f"{percent} %" if unit == "share" else f"{'+' if value > 0 else ''}{percent} %"
