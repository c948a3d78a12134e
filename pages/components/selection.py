"""Which run is open at the desk: kept in the URL, so that a link, a reload and the back button find it again."""

from __future__ import annotations

import time

import streamlit as st

_PARAMETER = "run"
_LAST = "desk_run"
_REPLACED = "desk_run_replaced"
# A refresh that the browser had asked for before it learned of a new choice still carries the old address.
_STALE_S = 3.0


def selected_run() -> str | None:
    """Return the id of the open run: the one in the URL, else the one that was open before the page was left."""
    in_url = st.query_params.get(_PARAMETER)
    last = st.session_state.get(_LAST)
    run_id = last if in_url is None or _is_stale(in_url) else in_url
    if run_id and run_id != in_url:
        st.query_params[_PARAMETER] = run_id
    if run_id:
        st.session_state[_LAST] = run_id
    return run_id or None


def select_run(run_id: str) -> None:
    """Open a run; what shows it follows at the next rerun of the page."""
    before = st.session_state.get(_LAST)
    if before != run_id:
        st.session_state[_REPLACED] = (before, time.monotonic())
    st.query_params[_PARAMETER] = run_id
    st.session_state[_LAST] = run_id


def _is_stale(in_url: str) -> bool:
    """Whether the URL names the run that was open until a moment ago, and not the one chosen since."""
    replaced, at = st.session_state.get(_REPLACED, (None, 0.0))
    return in_url == replaced and in_url != st.session_state.get(_LAST) and time.monotonic() - at < _STALE_S
