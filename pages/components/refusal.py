"""What a service refused, said beside the action; its sentence may repeat what a person wrote, so it is data."""

from __future__ import annotations

import streamlit as st

from pages.components.text import plain
from triage.errors import TriageError

_ICON = ":material/error:"


def show_refusal(error: TriageError | str) -> None:
    """Say on the page why something was refused."""
    st.error(plain(error), icon=_ICON)


def toast_refusal(error: TriageError) -> None:
    """Say it in passing, where the page is drawn again at once and has no place beside the action."""
    st.toast(plain(error), icon=_ICON)
