"""What the overview showed when a click led away from it, for whoever comes back with the browser's own button.

On the way to another page Streamlit leaves an entry in the browser's history that has the address of the overview and
the parameters of the other page. Whoever goes back arrives there, and shall find what they left.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.components.measure_filters import PREFIX
from pages.components.time_range import ChosenRange
from triage.domain.traces import MeasureFilter

_KEY = "overview_left"
_OWN = {"range", "from", "to", "part", "refresh"}


@dataclass(frozen=True)
class Left:
    """What the page showed last."""

    range: ChosenRange | None = None
    chosen: MeasureFilter | None = None
    part: str | None = None


def what_was_left() -> Left:
    """Return what the page showed last if somebody comes back to it, else nothing."""
    names = set(st.query_params)
    is_own = any(name in _OWN or name.startswith(PREFIX) for name in names)
    left = st.session_state.get(_KEY)
    return left if names and not is_own and isinstance(left, Left) else Left()


def remember(*, range: ChosenRange, chosen: MeasureFilter, part: str) -> None:  # noqa: A002 - as the address has it
    """Note what the page shows."""
    st.session_state[_KEY] = Left(range=range, chosen=chosen, part=part)
