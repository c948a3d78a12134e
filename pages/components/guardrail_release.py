"""Releasing a blocked message, and what became of one that was released."""

from __future__ import annotations

import streamlit as st

from pages.components import words
from pages.components.context import actor, seen, services
from pages.components.links import desk_link
from pages.components.refusal import toast_refusal
from pages.components.text import plain
from triage.domain import Release, Run
from triage.errors import NotFound, TriageError

_LOOK_EVERY_S = 2


def ask_release(run: Run) -> None:
    """Draw the way to release a blocked run, or why this person cannot."""
    why_not = services().releases.refusal(run.id, actor=actor())
    if why_not is not None:
        st.caption(f":material/lock: {plain(why_not)}")
        return
    reason_key = f"release_reason_{run.id}"
    with st.popover("Release to run", icon=":material/lock_open:"):
        st.markdown(
            "The message runs again and this check lets it through, once. All other checks and approvals stay. It is"
            " kept who released it and why."
        )
        st.text_area("Why is it harmless?", key=reason_key, max_chars=1000, height=100)
        st.button(
            "Release and run", type="primary", icon=":material/play_arrow:", key="release", on_click=_release,
            args=(run.id, reason_key),
        )  # fmt: skip


def _release(run_id: str, reason_key: str) -> None:
    try:
        services().releases.release(run_id, reason=str(st.session_state.get(reason_key) or ""), actor=actor())
    except TriageError as error:
        toast_refusal(error)


def show_release(release: Release) -> None:
    """Draw who released a run and where the new one is; looks again while that moves."""
    released = _released_run(release)
    is_moving = released is not None and not released.status.is_final
    st.fragment(_show, run_every=_LOOK_EVERY_S if is_moving else None)(release)


def _released_run(release: Release) -> Run | None:
    try:
        return seen().runs.get(release.released_run_id)
    except NotFound:
        return None


def _show(release: Release) -> None:
    run = _released_run(release)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        when = plain(words.ago(release.released_at))
        st.markdown(
            f":material/lock_open: **Released by {plain(release.released_by)}** {when}",
            help=words.exact(release.released_at),
            width="content",
        )
        if run is not None:
            status = words.run_state(run)
            st.badge(status.text, icon=status.icon, color=status.colour)
            desk_link(run.id, label="Its run")
    st.text(release.reason)
