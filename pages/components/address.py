"""Choices that stand in the address, so that a link, a reload and the back button find them again.

The browser sends its address along with everything, also with the regular looks of a fragment. A look that was asked
for before the browser learned of a new choice still carries the old one, and on a busy machine that takes seconds. So
the session holds what was chosen, and an address with an older choice counts only when a person went back to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_HELD = "address_held"
_PAGE = "address_page"


@dataclass(frozen=True)
class _Held:
    value: str | None
    replaced: frozenset[str | None] = frozenset()


def enter(page: str) -> None:
    """Note the page that is drawn; when it is another one than before, its address alone says what is chosen."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        st.session_state[_HELD] = {}


def chosen(name: str) -> str | None:
    """Return what is chosen under a name, and put the address right where it says what was chosen before."""
    in_address = st.query_params.get(name)
    held = _all().get(name)
    if held is None or (in_address != held.value and (in_address not in held.replaced or _went_back())):
        held = _hold(name, in_address)
    if in_address != held.value:
        _write(name, held.value)
    return held.value


def choose(name: str, value: str | None) -> None:
    """Choose something, or with None nothing."""
    # What the address says now is known first: it may be a link that nobody has read yet.
    chosen(name)
    _hold(name, value)
    _write(name, value)


def _all() -> dict[str, _Held]:
    held: dict[str, _Held] = st.session_state.setdefault(_HELD, {})
    return held


def _hold(name: str, value: str | None) -> _Held:
    before = _all().get(name)
    replaced = before.replaced | {before.value} if before else frozenset()
    held = _all()[name] = _Held(value, replaced - {value})
    return held


def _write(name: str, value: str | None) -> None:
    if value is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def _went_back() -> bool:
    """Whether this run was asked for by the browser's back or forward button."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
