"""Which action is open, which are ticked and which page of the queue is shown; the open one stands in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import address

PARAM = "approval"
LISTED = "approval_listed"
_PAGE = "approval_page"
_SEVERAL = "approval_several"


def selected() -> str | None:
    """Return the id of the open action."""
    return address.chosen(PARAM)


def select(approval_id: str | None) -> None:
    """Open an action."""
    address.choose(PARAM, approval_id)


def listed() -> list[str]:
    """Return the ids of the shown page of the queue, in its order."""
    return list(st.session_state.get(LISTED, ()))


def picked(ids: Sequence[str]) -> list[str]:
    """Return the ticked ones."""
    return [approval_id for approval_id in ids if st.session_state.get(f"pick_{approval_id}")]


def untick(ids: Sequence[str]) -> None:
    """Take the ticks away."""
    for approval_id in ids:
        st.session_state.pop(f"pick_{approval_id}", None)


def choose_several() -> None:
    """Keep the ticked ones as those that are decided on; what is drawn anew meanwhile changes them no more."""
    st.session_state[_SEVERAL] = picked(listed())


def several() -> list[str]:
    """Return the ids of those that are decided on together."""
    return list(st.session_state.get(_SEVERAL, ()))


def page_number() -> int:
    """Return the shown page of the queue, from 0."""
    return int(st.session_state.get(_PAGE, 0))


def go_page(number: int) -> None:
    """Turn to a page of the queue and open its first action."""
    st.session_state[_PAGE] = max(0, number)
    select(None)


def neighbour(ids: Sequence[str], approval_id: str | None, *, by: int) -> str | None:
    """Return the action ``by`` places after this one, the first one where this one is not in the list."""
    if not ids:
        return None
    if approval_id not in ids:
        return ids[0]
    return ids[min(max(ids.index(approval_id) + by, 0), len(ids) - 1)]


def following(ids: Sequence[str], approval_id: str) -> str | None:
    """Return the action to open when this one is decided: the next one of the list, else the one before."""
    if approval_id not in ids:
        return ids[0] if ids else None
    place = ids.index(approval_id)
    others = [*ids[place + 1 :], *reversed(ids[:place])]
    return others[0] if others else None


def step(*, by: int, page: int) -> None:
    """Go to a neighbour of the open action; beyond the end of a full page to the next page, before its start back."""
    ids = listed()
    current = selected()
    found = neighbour(ids, current, by=by)
    if found != current or current is None:
        select(found)
    elif by > 0 and len(ids) == page:
        go_page(page_number() + 1)
    elif by < 0 and page_number():
        go_page(page_number() - 1)
