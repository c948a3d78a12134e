"""Which dialog is open at the desk.

A dialog closes when the page reruns without calling it, and the desk reruns when a run moves on. So the name of the
open dialog is kept, and the page calls it again until it is dismissed or done.
"""

from __future__ import annotations

import secrets

import streamlit as st

_OPEN = "desk_dialog"
_FORM = "desk_form"


def open_dialog(name: str) -> None:
    """Open a dialog at the next rerun, with a fresh form, and rerun the page."""
    st.session_state[_OPEN] = name
    st.session_state[_FORM] = secrets.token_hex(8)
    st.rerun()


def open_name() -> str | None:
    """Return the name of the open dialog."""
    return st.session_state.get(_OPEN)


def form_id() -> str:
    """Return the id of the opened form; the same until it is closed, so that a double click is one submission."""
    return str(st.session_state.setdefault(_FORM, secrets.token_hex(8)))


def close_dialog() -> None:
    """Close the dialog at the next rerun of the page."""
    st.session_state.pop(_OPEN, None)
    st.session_state.pop(_FORM, None)
