"""Where the policy is changed: its text, what it would have done, and saving with a note."""

from __future__ import annotations

import streamlit as st

from pages.components.context import actor, seen, services
from pages.components.dialogs import close_dialog, form_id, open_dialog
from pages.components.panel import card_head
from pages.components.policy_preview import show_mistake, show_preview
from pages.components.refusal import show_refusal
from pages.components.text import plain
from triage.access.actions import Action, may
from triage.approvals.policies import PolicyError
from triage.approvals.policy_service import MAX_NOTE, PolicyVersion
from triage.errors import TriageError

SAVE = "policy_save"
_TEXT = "policy_text"
_BASE = "policy_based_on"
_NOTE = "policy_note_suggested"
_HEIGHT_PX = 620


def draft(text: str, *, based_on: int, note: str) -> None:
    """Put a text into the editor, for example an older version."""
    st.session_state[_TEXT] = text
    st.session_state[_BASE] = based_on
    st.session_state[_NOTE] = note


def editor(current: PolicyVersion) -> None:
    """Draw the text to change beside what the change would mean; who may not change it reads it."""
    left, right = st.columns([7, 4], gap="medium")
    if not may(actor(), Action.POLICIES_CHANGE):
        with left:
            st.code(current.text, language="yaml", line_numbers=True)
        right.info(
            f"You may read this but not change it: that needs the role admin, and you are acting as "
            f"{actor().role.value}.", icon=":material/lock:",
        )  # fmt: skip
        return
    if _TEXT not in st.session_state or _is_untouched(current):
        draft(current.text, based_on=current.version, note="")
    with left:
        # Kept while the person looks at another view or page.
        text = st.text_area(
            "The policy as text", key=_TEXT, height=_HEIGHT_PX, persist_state="session", label_visibility="collapsed"
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Save…", type="primary", icon=":material/save:", key="policy_save_button"):
                open_dialog(SAVE)
            st.button("Start over", type="tertiary", key="policy_reset", on_click=_reset, args=(current,))
            st.caption("Ctrl+Enter or a click elsewhere tries it on the last calls; nothing is saved before you do.")
        with st.expander("With line numbers", type="compact"):
            st.code(text or "", language="yaml", line_numbers=True)
    with right, st.container(border=True):
        _what_it_means(text or "", current)


def _is_untouched(current: PolicyVersion) -> bool:
    """Whether the editor holds an older version as it was, which a newer one may take the place of."""
    based_on = st.session_state.get(_BASE, 0)
    return based_on != current.version and st.session_state[_TEXT] == seen().policies.text_of(based_on)


def _reset(current: PolicyVersion) -> None:
    draft(current.text, based_on=current.version, note="")


def _what_it_means(text: str, current: PolicyVersion) -> None:
    card_head("What it would mean", "Tried on the last 200 actions that a policy has judged.")
    based_on = st.session_state[_BASE]
    if based_on != current.version:
        st.warning(
            f"{plain(current.created_by)} has saved version {current.version} since you began with version {based_on}. "
            "Copy what you need and start over.", icon=":material/sync_problem:",
        )  # fmt: skip
    try:
        show_preview(seen().policies.preview(text))
    except PolicyError as error:
        show_mistake(error, text)


@st.dialog("Put this policy in force", icon=":material/save:", on_dismiss=close_dialog)
def save() -> None:
    """Show what it means once more, ask for a note and save; what was typed stays where saving is refused."""
    text = str(st.session_state.get(_TEXT, ""))
    try:
        show_preview(seen().policies.preview(text), examples=False)
    except PolicyError as error:
        show_mistake(error, text)
        return
    note = st.text_input(
        "Note", value=st.session_state.get(_NOTE, ""), key=f"policy_note_{form_id()}", max_chars=MAX_NOTE,
        placeholder="What changes, and why",
    )  # fmt: skip
    st.caption("It counts from the next action on. The version before stays in the history.")
    if st.button("Put in force", type="primary", key="policy_confirm"):
        try:
            saved = services().policies.save(text, actor=actor(), note=note or "", based_on=st.session_state[_BASE])
        except TriageError as error:
            show_refusal(error)
            return
        st.session_state[_BASE] = saved.version
        st.session_state[_NOTE] = ""
        st.toast(f"Version {saved.version} is in force.", icon=":material/task_alt:")
        close_dialog()
        st.rerun()
