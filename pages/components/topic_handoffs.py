"""Who handed over to whom, and whether that was right."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import words
from pages.components.chart_card import card, chart_card
from pages.components.charts import PALETTE, Mark, stacked_bars
from pages.components.numbers import share
from pages.components.overview_view import View
from pages.components.text import plain
from triage.domain.measures import HandoffPath
from triage.measures.topics import HandoffTopic

OUTCOMES = {
    "successful": ("Successful", PALETTE[0]),
    "waiting": ("Not ended yet", PALETTE[1]),
    "unfinished": ("Ended without a result", PALETTE[2]),
    "rerouted": ("Re-routed by a person", PALETTE[3]),
    "bounced": ("Handed back", PALETTE[4]),
}
DEFINITION = (
    "A handoff is successful when no later one in the run goes back to the agent that handed over, the run completed,"
    " and no person took it over or corrected its category. Runs that have not ended do not count."
)


def draw_handoffs(view: View, handoffs: HandoffTopic) -> None:
    """Draw the part on handoffs."""
    totals, before = handoffs.totals, handoffs.before
    judged = totals.handoffs - totals.waiting
    said = f"**{plain(share(totals.success_rate))}** of {words.count(judged, 'handoff')} were successful"
    if before.success_rate is not None:
        said += f", {plain(share(before.success_rate))} in the period before"
    st.markdown(f"{said}. :gray[{DEFINITION}]")
    left, right = st.columns(2)
    with left:
        outcome_card(view, handoffs)
    with right:
        path_card(view, handoffs.paths)


def outcome_card(view: View, handoffs: HandoffTopic) -> None:
    """Draw how handoffs ended over time."""
    series = {
        name: {
            bucket.at: Mark(
                getattr(bucket, field),
                f"{view.when(bucket.at)}: {words.count(getattr(bucket, field), 'handoff')}, {name.lower()}",
                view.address(at=bucket.at),
            )
            for bucket in handoffs.by_time
        }
        for field, (name, _) in OUTCOMES.items()
    }
    total = handoffs.totals.handoffs
    chart_card(
        f"Handoffs per {view.unit}, by how they ended",
        f"{words.count(total, 'handoff')}; each counts once",
        stacked_bars(
            series,
            colours=dict(OUTCOMES.values()),
            starts=[bucket.at for bucket in handoffs.by_time],
            step=view.step,
        ),
        key="handoffs",
        rows=[bucket for bucket in handoffs.by_time if bucket.handoffs],
        alt=f"Stacked bars: {words.count(total, 'handoff')} per {view.unit} in {view.range.words}, by how they ended; "
        f"{share(handoffs.totals.success_rate)} successful.",
        empty="No agent handed over in this time.",
        links=[("All runs of this time", view.address())],
    )


def path_card(view: View, paths: Sequence[HandoffPath]) -> None:
    """Draw each way from one agent to another as a line of a table."""
    with card(
        "Handoffs from agent to agent",
        "success among those that can be judged",
        key="handoff_paths",
        rows=paths,
        links=view.links("agents", dict.fromkeys(path.to_agent for path in paths)),
    ):
        if not paths:
            st.caption("No agent handed over in this time.")
            return
        st.dataframe(
            {
                "From and to": [f"{path.from_agent} → {path.to_agent}" for path in paths],
                "Count": [path.handoffs for path in paths],
                "Back": [path.bounced for path in paths],
                "Success": [None if path.success_rate is None else path.success_rate * 100 for path in paths],
            },
            hide_index=True,
            height="content",
            row_height=32,
            # Together as wide as the card in a window of 1280; in a wider one all of them grow.
            column_config={
                "From and to": st.column_config.TextColumn(width=220),
                "Count": st.column_config.NumberColumn(width=58, format="localized"),
                "Back": st.column_config.NumberColumn(
                    width=50, format="localized", help="Handed back later in the run"
                ),
                "Success": st.column_config.ProgressColumn(width=96, format="%.0f %%", min_value=0, max_value=100),
            },
            alt=f"Table: handoffs and their success from agent to agent in {view.range.words}.",
        )
