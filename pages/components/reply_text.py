"""The reply while a person writes it, beside the one in the records that somebody else may change meanwhile."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from pages.components.run_view import RunView
from triage.domain import Run

_BEGUN = "reply_begun"
_UNSENT = "reply_unsent"


class _Begun(NamedTuple):
    """What the person began with: the reply in the records, and the text that counts as unchanged.

    ``filled`` is what the field was last filled with, and ``filling`` counts how often that was: each time the field is
    a new one with that text as its value. A value set from outside gets lost when the page is drawn twice before the
    browser shows the field.
    """

    run_id: str
    reply: str | None
    text: str
    filled: str
    filling: int


def text_key(run: Run) -> str:
    """Return the key of the field."""
    begun = _begun(run)
    return f"reply_{run.id}_{begun.filling if begun else 0}"


def begin(view: RunView) -> str:
    """Fill the field with the reply as it stands, unless it holds a text of the person, and return what fills it."""
    run = view.run
    if _own_text(run) is None:
        _fill(run, view.reply)
    begun = _begun(run)
    return begun.filled if begun else view.reply


def begun_with(run: Run) -> str | None:
    """Return the reply of the records that the person began with."""
    begun = _begun(run)
    return begun.reply if begun else run.reply


def is_behind(run: Run) -> bool:
    """Whether the person has a text of their own and somebody changed the reply since they began."""
    return _own_text(run) is not None and begun_with(run) != run.reply


def take_other(run: Run) -> None:
    """Replace the person's text by the version in the records."""
    _fill(run, run.reply or "")


def keep_own(run: Run) -> None:
    """Go on with the person's text, which may now replace the version that they have seen."""
    _note(run, run.reply or "")


def saved(run: Run, text: str) -> None:
    """Note that the text is now the reply in the records."""
    _note(run, text)


def unsent_text(run: Run) -> str | None:
    """Return what the person had written when somebody else sent the reply; the field itself is gone by then."""
    if (own := _own_text(run)) is not None:
        st.session_state[_UNSENT] = (run.id, own)
    run_id, text = st.session_state.get(_UNSENT, (None, None))
    return text if run_id == run.id else None


def _begun(run: Run) -> _Begun | None:
    begun: _Begun | None = st.session_state.get(_BEGUN)
    return begun if begun is not None and begun.run_id == run.id else None


def _own_text(run: Run) -> str | None:
    """Return what the field holds, or None when the person has written nothing that is not in the records."""
    begun, text = _begun(run), st.session_state.get(text_key(run))
    if begun is None or text is None or text == begun.text or text.strip() == run.reply:
        return None
    return str(text)


def _note(run: Run, text: str) -> None:
    """Note which text counts as unchanged from now on; the field stays as it is."""
    if (begun := _begun(run)) is not None:
        st.session_state[_BEGUN] = begun._replace(reply=run.reply, text=text)


def _fill(run: Run, text: str) -> None:
    begun = _begun(run)
    shown = st.session_state.get(text_key(run)) if begun else None
    if begun is not None and text in (shown, begun.filled if shown is None else None):
        # Filling the field with the text that it has would take from the browser what was typed since.
        st.session_state[_BEGUN] = begun._replace(reply=run.reply, text=text)
        return
    filling = begun.filling + 1 if begun else 0
    st.session_state[_BEGUN] = _Begun(run.id, run.reply, text, filled=text, filling=filling)
