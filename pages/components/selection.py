"""Which run is open at the desk: kept in the URL, so that a link, a reload and the back button find it again."""

from __future__ import annotations

import streamlit as st

_PARAMETER = "run"
_LAST = "desk_run"


def selected_run() -> str | None:
    """Return the id of the open run: the one in the URL, else the one that was open before the page was left."""
    run_id = st.query_params.get(_PARAMETER)
    if run_id is None and (run_id := st.session_state.get(_LAST)):
        st.query_params[_PARAMETER] = run_id
    if run_id:
        st.session_state[_LAST] = run_id
    return run_id or None


def select_run(run_id: str) -> None:
    """Open a run; what shows it follows at the next rerun of the page."""
    st.query_params[_PARAMETER] = run_id
    st.session_state[_LAST] = run_id
