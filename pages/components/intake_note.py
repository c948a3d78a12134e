"""What keeps spans out of the figures, said where they are read: a store in trouble, and lines that were set aside."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.context import services
from pages.components.text import plain
from triage.domain.traces import IngestHealth


@st.cache_data(ttl=5, max_entries=1, show_spinner=False)
def _read_health() -> IngestHealth | None:
    """Look into the files no more often than every few seconds."""
    return services().intake_health()


def intake_note(*, with_lines: bool = False) -> None:
    """Draw nothing while every span comes in; ``with_lines`` also tells of single lines that were set aside."""
    health = _read_health()
    if health is None:
        return
    if health.trouble:
        st.error(f"Newer runs are missing here. {plain(health.trouble)}", icon=":material/sync_problem:")
    if with_lines and health.lines_set_aside:
        were = "was" if health.lines_set_aside == 1 else "were"
        st.warning(
            f"{words.count(health.lines_set_aside, 'line')} could not be read and {were} set aside; everything else is"
            " here. The lines are in the folders spool/rejected and inbox/rejected of the data folder: mend them and"
            " bring them in with python -m triage import-traces, or delete the files.",
            icon=":material/rule:",
        )
