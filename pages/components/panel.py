"""Heads of cards: what a card is about, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from pages.components.text import heard


def card_head(title: str, note: str) -> None:
    """Draw the head of a card: what it is about, and below it in small letters how to read it."""
    st.markdown(f"**{title}**  \n:gray[:small[{note}]]", width="stretch")


def action_head(title: str, note: str, *, button: str, icon: str, key: str, why_not: str | None) -> bool:
    """Draw the head of a card with a button beside it, and return whether it was pressed.

    ``why_not`` says why this person may not press it.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        card_head(title, note)
        return st.button(button, icon=f":material/{icon}:", disabled=why_not is not None, key=key, help=why_not)


def read_again_button() -> bool:
    """Draw the button that reads the figures of a page anew, and return whether it was pressed."""
    return st.button(
        heard("Read the figures again"), icon=":material/refresh:", type="tertiary",
        help="Read the figures again; they are at most half a minute old.",
    )  # fmt: skip
