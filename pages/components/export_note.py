"""One line on the export of traces to a collector, where one is named: how it does, and what it had to leave out."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.context import services
from pages.components.text import plain


def export_note() -> None:
    """Draw nothing without a collector, a caption while all is well, a warning when nothing can be sent."""
    exporter = services().exporter
    if exporter is None:
        return
    status = exporter.status()
    lost = [f"{status.dropped:,} given up because too many waited"] if status.dropped else []
    lost += [f"{status.refused:,} refused"] if status.refused else []
    if status.problem and status.failing_since:
        said = "; ".join(["They wait and are sent later", *lost])
        since = plain(words.exact(status.failing_since))
        st.warning(
            f"The collector takes no spans since {since}: {plain(status.problem)} {said}.",
            icon=":material/cloud_off:",
        )
        return
    st.caption("; ".join([f"{words.count(status.sent, 'span')} sent to the collector", *lost]) + ".")
