"""Shares and changes in words for the row of numbers; a change without a period to compare with is not said.

Against a handful of runs a share is chance and per cent are a joke, so such a period is told as it was, or left out.
"""

from __future__ import annotations

from decimal import Decimal

from pages.components import words

_MOST_PER_CENT = 900
FEWEST = 10
"""Of fewer a share or a percentile says nothing."""

Change = str | int | None
"""What ``st.metric`` takes as a change: text with its sign, 0 for none, None where there is nothing to compare."""


def share(part: float | None) -> str:
    """Return a share from 0 to 1 in per cent: "3.1 %", "none yet" where there is no whole."""
    return "none yet" if part is None else f"{part * 100:.1f} %"


def trend_of_count(now: int, before: int) -> Change:
    """Return the change of a count in per cent, or what it was where per cent say nothing any more."""
    return _relative(now, before, was=f"{before:,}")


def trend_of_share(now: float | None, before: float | None, *, of: tuple[int, int]) -> Change:
    """Return the change of a share in percentage points; ``of`` is how many there were, now and before."""
    if now is None or before is None or min(of) < FEWEST:
        return None
    change = round((now - before) * 100, 1)
    return f"{change:+.1f} pt" if change else 0


def trend_of_time(now_ms: float | None, before_ms: float | None, *, of: tuple[int, int]) -> Change:
    """Return the change of a duration; ``of`` is how many were measured, now and before."""
    if now_ms is None or before_ms is None or min(of) < FEWEST:
        return None
    change = now_ms - before_ms
    if abs(change) < 10:  # noqa: PLR2004 - below a hundredth of a second is no change.
        return 0
    return f"{'-' if change < 0 else '+'}{words.duration(abs(change))}"


def trend_of_money(now: Decimal, before: Decimal) -> Change:
    """Return the change of a sum of US dollars in per cent, or what it was where per cent say nothing any more."""
    return _relative(now, before, was=words.money(before))


def _relative(now: int | Decimal, before: int | Decimal, *, was: str) -> Change:
    if not before:
        return None
    change = round((now - before) / before * 100)
    if change > _MOST_PER_CENT:
        return f"from {was}"
    return f"{change:+,} %" if change else 0
