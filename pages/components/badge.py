"""What stands around every page and keeps itself true while nobody touches it: open approvals, alerts and the strip.

One fragment looks after both: two with the same pace ask at the same moment every time, and Streamlit was seen to end
the run for the first one early when the second one asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from pages.components.arrival import stay
from pages.components.banner import banner
from pages.components.context import seen
from triage.access.actions import Action, may
from triage.errors import TriageError

REFRESH_S = 5
_SHOWN = "badge_shown"


class Counts(NamedTuple):
    """How many approvals are open, and how many rules and budgets are at alert."""

    waiting: int
    alerts: int


def titled(name: str, waiting: int) -> str:
    """Return a page's name with the number that waits there: "Approvals · 3"."""
    return f"{name} · {waiting:,}" if waiting else name


def browser_title(waiting: int) -> str:
    """Return the title of the browser's tab: "(3) Triage console"."""
    return f"({waiting:,}) Triage console" if waiting else "Triage console"


def read_counts() -> Counts:
    """Return what stands beside the names of pages now."""
    console = seen()
    waiting = console.approvals.count_open() if may(console.actor, Action.APPROVALS_READ) else 0
    return Counts(waiting, console.alerts.count_alerts() if may(console.actor, Action.ALERTS_READ) else 0)


def keep_frame(navigation: Callable[[Counts], object], *, shown: Counts) -> None:
    """Draw the strip, and anew title and navigation when the numbers are no longer those that are ``shown``.

    ``navigation`` is what calls ``st.navigation`` with the pages for some numbers; the page stays.
    """
    st.session_state[_SHOWN] = shown
    _watch(navigation)


@st.fragment(run_every=REFRESH_S)
def _watch(navigation: Callable[[Counts], object]) -> None:
    stay()
    banner()
    try:
        counts = read_counts()
    except TriageError:
        # The page itself says that the records cannot be read.
        return
    if counts != st.session_state.get(_SHOWN):
        # The title alone: layout and sidebar stay as the person has them.
        st.set_page_config(page_title=browser_title(counts.waiting))
        navigation(counts)
        # Noted when it is drawn: another part of the page may interrupt this one, and then the next look draws it.
        st.session_state[_SHOWN] = counts
