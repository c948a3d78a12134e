"""Choosing what the approvals page lists, and deciding; what a service refuses is said beside the action."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.components.approval_list import VIEWS, select
from pages.components.context import actor, services
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.domain import Approval
from triage.errors import TriageError

MAX_LISTED = 50
_ERROR = "approval_error"
_VIEW = "view"


def view_of(approvals: Any, *, with_control: bool = True) -> list[Approval]:
    """Return the actions of the chosen view, open ones oldest first, the others newest first."""
    if with_control:
        count = approvals.count_open()
        view = st.segmented_control(
            "Show", list(VIEWS), default="Open", required=True, key=_VIEW, bind="query-params",
            format_func=lambda name: f"Open {count}" if name == "Open" and count else name,
            label_visibility="collapsed",
        )  # fmt: skip
    else:
        view = st.session_state.get(_VIEW) or "Open"
    found: list[Approval] = approvals.list(statuses=VIEWS[view], newest_first=view != "Open", limit=MAX_LISTED)
    return found


def approve_now(approval_id: str, following: str | None) -> None:
    """Approve an action and go to the one that follows."""
    try:
        services().approvals.approve(approval_id, actor=actor())
    except TriageError as error:
        st.session_state[_ERROR] = (approval_id, str(error))
    else:
        st.toast("Approved. The agents go on.", icon=":material/check:")
        select(following)


@st.dialog("Reject this action", icon=":material/close:")
def reject_dialog(approval: Approval, following: str | None) -> None:
    """Ask for the reason and reject; the typed reason stays where the rejection is refused."""
    st.markdown(plain(approval.summary))
    reason = st.text_area(
        "Reason", key=f"reason_{approval.id}", max_chars=2000, placeholder="For example: outside the 30 days.",
        help="The agent takes it into account, and the customer's reply rests on it.",
    )  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep waiting", key="keep_waiting"):
            st.rerun()
        is_asked = st.button("Reject", type="primary", icon=":material/close:", shortcut="Ctrl+Enter", key="reject_now")
    if not is_asked:
        return
    try:
        services().approvals.reject(approval.id, actor=actor(), reason=reason)
    except TriageError as error:
        show_refusal(error)
        return
    st.toast("Rejected. The agents go on without it.", icon=":material/close:")
    select(following)
    st.rerun()


def show_error(approval_id: str) -> None:
    """Say once why the last decision on this action was refused."""
    failed = st.session_state.get(_ERROR)
    if failed and failed[0] == approval_id:
        show_refusal(failed[1])
        del st.session_state[_ERROR]
