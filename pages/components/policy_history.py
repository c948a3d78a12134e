"""The versions of the policy: who saved them, when, why, and what they changed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components import words
from pages.components.context import actor, seen
from pages.components.text import plain
from triage.access.actions import Action, may
from triage.approvals.policy_service import PolicyVersion

_PER_PAGE = 20
_PAGE = "policy_history_page"


def history(current: PolicyVersion, *, use_again: Callable[[int], None]) -> None:
    """Draw the versions, the newest first; ``use_again`` is called with the one to take up again."""
    page = int(st.session_state.get(_PAGE, 0))
    changes = seen().policies.history(limit=_PER_PAGE + 1, offset=page * _PER_PAGE)
    can_change = may(actor(), Action.POLICIES_CHANGE)
    for change in changes[:_PER_PAGE]:
        saved = change.policy
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center"):
                at = saved.created_at
                st.markdown(
                    f"**Version {saved.version}** {plain(saved.note)}  \n"
                    f":gray[:small[{plain(saved.created_by)}, {words.ago(at)}, {words.exact(at)}]]", width="stretch",
                )  # fmt: skip
                if saved.version == current.version:
                    st.badge("In force", color="green", icon=":material/check:")
                elif can_change:
                    _again(saved.version, use_again)
            with st.expander("What changed", type="compact"):
                st.code(change.diff or "Nothing but blanks.", language="diff")
    _turn(page, has_more=len(changes) > _PER_PAGE)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown("**Built in**, which counts until a version is saved", width="stretch")
        if current.version == 0:
            st.badge("In force", color="green", icon=":material/check:")
        elif can_change:
            _again(0, use_again)


def _again(version: int, use_again: Callable[[int], None]) -> None:
    st.button(
        "Use this one again…", icon=":material/restore:", key=f"again_{version}", on_click=use_again, args=(version,)
    )


def _turn(page: int, *, has_more: bool) -> None:
    if not page and not has_more:
        return
    with st.container(horizontal=True):
        st.button("Newer", key="history_newer", disabled=not page, on_click=_go, args=(page - 1,))
        st.button("Older", key="history_older", disabled=not has_more, on_click=_go, args=(page + 1,))


def _go(page: int) -> None:
    st.session_state[_PAGE] = page
