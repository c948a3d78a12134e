"""Widgets that show a choice which lives elsewhere, and which something else than the widget can change.

The browser sends the value of every widget along with everything, also with the regular looks of a fragment. Where the
script gives a widget another value, a look that is under way still carries the one before; that reads like a choice by
the person, and the callback would take back what was chosen. So nothing is set that the browser has already, and a
value from elsewhere goes into a new widget: what comes for the old one then changes nothing.
"""

from __future__ import annotations

import streamlit as st


def key_of(name: str, value: str | None) -> str:
    """Return the key of a widget that shows ``value``."""
    key = _key(name)
    if key in st.session_state and st.session_state[key] != value:
        st.session_state[_number(name)] = st.session_state.get(_number(name), 0) + 1
        key = _key(name)
    if key not in st.session_state:
        st.session_state[key] = value
    return key


def value_in(name: str) -> str:
    """Return what a person has chosen in the widget, for its callback."""
    return str(st.session_state[_key(name)])


def correct(name: str, value: str) -> None:
    """Say in the callback what was meant, where the browser sent the label that an option had before."""
    if st.session_state[_key(name)] != value:
        st.session_state[_key(name)] = value


def _key(name: str) -> str:
    return f"{name}_{st.session_state.get(_number(name), 0)}"


def _number(name: str) -> str:
    return f"{name}_number"
