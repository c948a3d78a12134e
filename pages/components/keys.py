"""What the shortcuts of buttons leave open: the key / finds the search field, and a clicked row takes no key away."""

from __future__ import annotations

import streamlit as st

from pages.components.inbox import SEARCH_LABEL

# Streamlit ignores shortcuts while any input has the focus. A row of the inbox is a radio button, which needs no
# letters: its key is told to the page again, as if nothing had the focus.
_SCRIPT = """
export default function ({ data }) {
  const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
  const pass = (event) => {
    const isChoice = event.target.matches?.('input[type="radio"], input[type="checkbox"]');
    if (!event.isTrusted || !isChoice || !isPlain(event) || event.key.length !== 1 || event.key === " ") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { key, code, keyCode, which, shiftKey, repeat } = event;
    const again = { key, code, keyCode, which, shiftKey, repeat, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new KeyboardEvent("keydown", again));
  };
  const find = (event) => {
    const isTyping = event.target.closest?.('input, textarea, [contenteditable="true"]');
    if (event.key !== "/" || !isPlain(event) || isTyping) return;
    const field = document.querySelector(`input[aria-label="${data.label}"]`);
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  };
  window.addEventListener("keydown", pass, true);
  document.addEventListener("keydown", find);
  return () => {
    window.removeEventListener("keydown", pass, true);
    document.removeEventListener("keydown", find);
  };
}
"""
_listen = st.components.v2.component("desk_keys", js=_SCRIPT)


def listen_to_keys(search_label: str = SEARCH_LABEL) -> None:
    """Listen to the keys on this page; ``search_label`` is what its search field is called."""
    _listen(key="desk_keys", data={"label": search_label}, height=1)
