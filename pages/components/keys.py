"""What the shortcuts of buttons leave open.

The key / finds the search field, a clicked row takes no key away, and neither a typed word nor what is meant for
something that lies over the page, such as a dialog or an open menu, reaches the buttons of the page.
"""

from __future__ import annotations

import streamlit as st

from pages.components.inbox import SEARCH_LABEL

# Streamlit ignores shortcuts while any input has the focus. A row of the inbox is a radio button, which needs no
# letters: its key is told to the page again, as if nothing had the focus. Streamlit hears shortcuts below whatever lies
# over the page too, and whether a dialog begins in its field is a matter of time: the "a" of a reason to reject would
# approve. So a letter that is typed over a dialog goes to its first field, and to nobody where it has none. A popover
# has the role of a dialog, but whoever opens one clicks in it: its first field can be somebody's name. There, and over
# a menu or a list, a letter goes to nobody. Until the dialog is there a moment passes, so what follows a letter at once
# is no command, unless that was a step in a list.
_PAUSE_MS = 700
_SCRIPT = """
// Outside of the function, which begins anew with each run of the page.
let closedUntil = 0;

export default function ({ data }) {
  const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
  const isWriting = (event) => event.target.closest?.(
    'input:not([type="radio"], [type="checkbox"]), textarea, [contenteditable="true"]'
  );
  const keep = (event) => {
    const above = [...document.querySelectorAll('[role="dialog"], [role="menu"], [role="listbox"]')].at(-1);
    const isSoon = event.timeStamp < closedUntil;
    if (above || isSoon) event.stopImmediatePropagation();
    if (above?.closest('[data-testid="stDialog"]')) {
      above.querySelector('textarea:enabled, input[type="text"]:enabled:not([role="combobox"])')?.focus();
    }
    if (!"jk/".includes(event.key)) closedUntil = event.timeStamp + data.pause;
    return above || isSoon;
  };
  const pass = (event) => {
    if (!event.isTrusted || !isPlain(event) || event.key.length !== 1 || event.key === " ") return;
    if (isWriting(event) || keep(event)) return;
    if (!event.target.matches?.('input[type="radio"], input[type="checkbox"]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { key, code, keyCode, which, shiftKey, repeat } = event;
    const again = { key, code, keyCode, which, shiftKey, repeat, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new KeyboardEvent("keydown", again));
  };
  const find = (event) => {
    if (event.key !== "/" || !isPlain(event) || isWriting(event)) return;
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
    _listen(key="desk_keys", data={"label": search_label, "pause": _PAUSE_MS}, height=1)
