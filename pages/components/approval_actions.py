"""What a person does with the open action; whatever a service refuses is said beside it, and what was typed stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.components.approval_choice import following, listed, select
from pages.components.approval_form import GENERAL, field_key, place, read_fields
from pages.components.context import actor, seen, services
from pages.components.dialogs import open_dialog
from pages.components.refusal import show_refusal, toast_refusal
from pages.components.text import plain
from triage.approvals.brief import Brief
from triage.approvals.permission import refusal
from triage.domain import Actor, Approval, ApprovalStatus, ExecutionStatus, Mode, utc_now
from triage.errors import TriageError

_ERROR = "approval_error"
_EDITED = "approval_edited"
_PROBLEMS = "approval_problems"
ANSWER = "approval_answer"
_DONE = (ApprovalStatus.APPROVED, ApprovalStatus.EDITED)


def is_editing(approval_id: str) -> bool:
    """Whether the form for this action is open."""
    return st.session_state.get(_EDITED) == approval_id


def problems_of(approval_id: str) -> dict[str, str]:
    """Return what was wrong with the last edit of this action, by field."""
    of, found = st.session_state.get(_PROBLEMS, ("", {}))
    return found if of == approval_id else {}


def action_row(brief: Brief, *, why_not: str | None) -> None:
    """Draw what can be done, always in the same places; where nothing can, the reason stands there."""
    approval = brief.approval
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="decide"):
        if not approval.status.is_open:
            _afterwards(approval)
        elif why_not is None:
            _decisions(brief)
        else:
            if rejection_refusal(approval, actor=actor()) is None:
                _reject_and_claim(approval)
            else:
                _release(approval)
            st.markdown(f":material/lock: {plain(why_not)}", width="stretch")


def _decisions(brief: Brief) -> None:
    approval = brief.approval
    # A key for each action: a click that is on its way while another one is opened must not decide that one.
    of = approval.id
    first: dict[str, Any] = {"shortcut": "a", "type": "primary", "place": "approve"}
    if approval.kind == "question":
        _button("Answer", begin_edit, of, icon="chat", key=f"answer_{of}", **first)
    else:
        which = f", {2 if approval.endorsed_by else 1} of 2" if approval.mode is Mode.TWO_PEOPLE else ""
        _button(f"Approve{which}", approve, of, icon="check", key=f"approve_{of}", **first)
        if brief.can_edit:
            _button("Edit", begin_edit, of, icon="edit", key=f"edit_{of}", place="edit", shortcut="e")
    _reject_and_claim(approval)


def _reject_and_claim(approval: Approval) -> None:
    of = approval.id
    _button("Reject", open_dialog, "reject", icon="close", key=f"reject_{of}", place="reject", shortcut="x")
    if approval.claimed_by == actor().name:
        _release(approval)
    else:
        _button("Claim", claim, of, icon="lock", key=f"claim_{of}", place="claim", shortcut="l")


def _release(approval: Approval) -> None:
    if approval.claimed_by == actor().name:
        of = approval.id
        _button("Release", release, of, icon="lock_open", key=f"release_{of}", place="claim", shortcut="l")


def _afterwards(approval: Approval) -> None:
    if services().aftermath.can_ask(approval):
        _button("Ask the help desk", ask_help_desk, approval.id, icon="contact_support", key="ask", place="edit")
    if approval.execution is ExecutionStatus.UNKNOWN:
        _button("It happened", open_dialog, "happened", icon="task_alt", key="happened", place="approve")
        _button("It did not happen", open_dialog, "not_happened", icon="block", key="not_happened", place="reject")
    elif approval.status in _DONE and approval.execution is ExecutionStatus.SUCCEEDED and approval.reversed_at is None:
        _button("Mark as reversed", open_dialog, "reverse", icon="undo", key="reverse", place="reject")


def _button(
    text: str, act: Callable[..., None], argument: str, *, icon: str, key: str, place: str, **more: Any
) -> None:
    """Draw a button in its named place."""
    with st.container(key=place, width="content"):
        st.button(text, icon=f":material/{icon}:", key=key, on_click=act, args=(argument,), **more)


def edit_row(brief: Brief) -> None:
    """Draw the buttons of the form in the place of the others."""
    approval, is_question = brief.approval, brief.approval.kind == "question"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="decide"):
        with st.container(key="approve", width="content"):
            st.form_submit_button(
                "Send the answer" if is_question else "Approve as edited", icon=":material/check:", type="primary",
                on_click=send_answer if is_question else approve_edited, args=(brief,),
                shortcut="Ctrl+Enter", key=f"edited_{approval.id}",
            )  # fmt: skip
        with st.container(key="edit", width="content"):
            st.form_submit_button(
                "Back" if is_question else "Undo",
                icon=":material/undo:",
                on_click=end_edit,
                args=(approval.id,),
                key=f"undo_{approval.id}",
            )


def approve(approval_id: str) -> None:
    """Approve an action as it is shown and go to the one that follows."""
    _decide(approval_id, lambda: services().approvals.approve(approval_id, actor=actor()))


def ask_help_desk(approval_id: str) -> None:
    """Settle a ticket of which nobody knows whether it was created by what the help desk says."""
    try:
        settled = services().aftermath.ask_help_desk(approval_id, actor=actor())
    except TriageError as error:
        toast_refusal(error)
        return
    was_created = settled.execution is ExecutionStatus.SUCCEEDED
    st.toast("It was created." if was_created else "It was not created.", icon=":material/task_alt:")


def claim(approval_id: str) -> None:
    """Take an action for a while."""
    _try(approval_id, lambda: services().approvals.claim(approval_id, actor=actor()))


def release(approval_id: str) -> None:
    """Give an action back."""
    _try(approval_id, lambda: services().approvals.release(approval_id, actor=actor()))


def rejection_refusal(approval: Approval, *, actor: Actor) -> str | None:
    """Return why this person may not even reject the action now; some who may not agree to it may."""
    return refusal(approval, actor=actor, now=utc_now())


def begin_edit(approval_id: str) -> None:
    """Open the form, afresh."""
    forget_typed(approval_id)
    st.session_state[_EDITED] = approval_id


def end_edit(approval_id: str) -> None:
    """Close the form and forget what was typed."""
    forget_typed(approval_id)
    st.session_state.pop(_EDITED, None)


def forget_typed(approval_id: str) -> None:
    """Forget what was typed into the form of an action."""
    st.session_state.pop(_PROBLEMS, None)
    for key in [key for key in st.session_state if str(key).startswith((f"edit_{approval_id}_", ANSWER))]:
        del st.session_state[key]


def approve_edited(brief: Brief) -> None:
    """Approve with the typed arguments; what is wrong with them is kept for the form."""
    approval = brief.approval
    names = [field.name for field in brief.fields]
    typed = {name: st.session_state.get(field_key(approval.id, name)) for name in names}
    arguments, problems = read_fields(brief.fields, typed)
    if not problems and (problem := seen().approvals.problem(approval, arguments)):
        problems = {place(problem, names): problem}
    if problems:
        st.session_state[_PROBLEMS] = (approval.id, problems)
        return
    if arguments == {field.name: field.current for field in brief.fields if field.current is not None}:
        decided = _decide(approval.id, lambda: services().approvals.approve(approval.id, actor=actor()))
    else:
        decided = _decide(
            approval.id, lambda: services().approvals.edit(approval.id, actor=actor(), arguments=arguments)
        )
    if decided:
        end_edit(approval.id)


def send_answer(brief: Brief) -> None:
    """Answer the agent's question."""
    approval_id = brief.approval.id
    text = str(st.session_state.get(ANSWER) or "")
    if _decide(approval_id, lambda: services().approvals.answer(approval_id, actor=actor(), text=text)):
        end_edit(approval_id)


def _decide(approval_id: str, act: Callable[[], Approval]) -> bool:
    """Decide, say what came of it and go on; whether it went well."""
    decided = _try(approval_id, act)
    if decided is None:
        return False
    tell(decided)
    select(following(listed(), approval_id))
    return True


def tell(decided: Approval) -> None:
    """Say in passing what a decision did."""
    if decided.status.is_open and decided.endorsed_by:
        st.toast("Kept as the first of two. A second person has to agree.", icon=":material/group:")
    elif decided.status is ApprovalStatus.REJECTED:
        st.toast("Rejected. The agents go on without it.", icon=":material/close:")
    elif decided.kind == "question":
        st.toast("Answered. The agents go on.", icon=":material/chat:")
    else:
        st.toast("Approved. The agents go on.", icon=":material/check:")


def _try(approval_id: str, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except TriageError as error:
        st.session_state[_ERROR] = (approval_id, str(error))
        return None


def show_error(approval_id: str) -> None:
    """Say once why the last decision on this action was refused, and what is wrong with an edit as a whole."""
    failed = st.session_state.get(_ERROR)
    if failed and failed[0] == approval_id:
        show_refusal(failed[1])
        del st.session_state[_ERROR]
    if general := problems_of(approval_id).get(GENERAL):
        show_refusal(general)
