"""Reading and changing the address of the traces page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components.trace_address import Asked, read_address, to_params


def asked_now() -> Asked:
    """Return what the address asks for at this moment."""
    return read_address({name: st.query_params.get_all(name) for name in st.query_params})


def go(**changes: Any) -> None:
    """Change the address; a callback does so before the page is drawn again."""
    st.query_params.from_dict(to_params(replace(asked_now(), **changes)))


def narrow(**changes: Any) -> None:
    """Change the filters; the list begins again at its first page."""
    now = asked_now()
    go(wanted=replace(now.wanted, **changes), page=1)


def open_trace(trace_id: str | None, *, other: str | None = None) -> None:
    """Open a trace, or two, or go back to the list."""
    go(trace=trace_id, span=None, other=other)
