"""The strip on every page that says what is switched off, by whom, since when and why; nothing when nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from pages.components.context import seen
from pages.components.text import bold, plain
from pages.components.words import ago, words
from triage.domain import EVERYTHING_SWITCH, WRITES_SWITCH, Switch, utc_now
from triage.errors import TriageError


def banner() -> None:
    """Draw the strip; made to be drawn anew every few seconds."""
    try:
        switches = seen().switches()
    except TriageError:
        # The page itself says that the records cannot be read.
        return
    if switches:
        st.warning(switch_lines(switches, now=utc_now()), icon=":material/pause_circle:")


def switch_lines(switches: Sequence[Switch], *, now: datetime) -> str:
    """Return one line of Markdown for each switch."""
    return "  \n".join(
        f"{bold(switch_effect(switch))} by {plain(switch.set_by)} since {_clock(switch.set_at, now=now)} "
        f"({ago(switch.set_at, now=now)}): {plain(switch.reason)}"
        for switch in switches
    )


def switch_effect(switch: Switch) -> str:
    """Return what a switch does, as the beginning of a sentence: "Process refund is paused"."""
    if switch.name == EVERYTHING_SWITCH:
        return "Everything needs approval"
    if switch.name == WRITES_SWITCH:
        return "Every write is paused"
    return f"{switch.agent or words(switch.tool or switch.name)} is paused"


def _clock(at: datetime, *, now: datetime) -> str:
    """Return the time of day, and the day unless it is today."""
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at.day} {at:%b %H:%M} UTC"
