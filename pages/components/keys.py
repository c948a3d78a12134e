"""The key / puts the cursor into the search field; Streamlit's own shortcuts only press buttons."""

from __future__ import annotations

import streamlit as st

from pages.components.inbox import SEARCH_LABEL

_SCRIPT = """
export default function ({ data }) {
  const find = () => document.querySelector(`input[aria-label="${data.label}"]`);
  const onKey = (event) => {
    const isTyping = event.target.closest?.('input, textarea, [contenteditable="true"]');
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
    const field = find();
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
"""
_listen = st.components.v2.component("search_key", js=_SCRIPT)


def focus_search() -> None:
    """Listen for the key on this page."""
    _listen(key="search_key", data={"label": SEARCH_LABEL}, height=1)
