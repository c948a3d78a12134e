"""Which run is open at the desk; it stands in the address."""

from __future__ import annotations

import streamlit as st

from pages.components import address

_PARAMETER = "run"
_LAST = "desk_run"


def selected_run() -> str | None:
    """Return the id of the open run: the one in the address, else the one that was open before the page was left."""
    run_id = address.chosen(_PARAMETER)
    if run_id:
        st.session_state[_LAST] = run_id
        return run_id
    if last := st.session_state.get(_LAST):
        address.choose(_PARAMETER, last)
    return last or None


def select_run(run_id: str) -> None:
    """Open a run; what shows it follows at the next rerun of the page."""
    address.choose(_PARAMETER, run_id)
    st.session_state[_LAST] = run_id
