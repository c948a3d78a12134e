"""Staying on the page that a click led to.

A click that the server answers with another page, such as one on a bar of a chart, can meet a regular look that the
browser asked for while it was still on the page before. Streamlit then runs that look for the page before, and the
browser clears the new one: an empty page. So the session notes where it arrived, and a look that finds itself on
another page goes there again.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

_ARRIVED = "arrived"


@dataclass(frozen=True)
class _Arrived:
    script: str
    page: StreamlitPage
    params: dict[str, list[str]]


def arrive(page: StreamlitPage) -> None:
    """Note in a run of the whole page which one it is, and what its address says."""
    context = get_script_run_ctx()
    if context is not None:
        params = {name: st.query_params.get_all(name) for name in st.query_params}
        st.session_state[_ARRIVED] = _Arrived(context.page_script_hash, page, params)


def stay() -> None:
    """Draw the page anew that the session arrived at, if this look was asked for by another one."""
    context, arrived = get_script_run_ctx(), st.session_state.get(_ARRIVED)
    if context is not None and arrived is not None and context.page_script_hash != arrived.script:
        st.switch_page(arrived.page, query_params=arrived.params)
